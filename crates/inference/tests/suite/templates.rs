//! Chat templates of real models against Python's jinja2 (`templates.py` made the fixture), and hostile ones.

use crate::compare::compare;
use hearth_inference::template::Template;
use hearth_inference::wire::{Briefing, Message, Speaker};

#[test]
fn real_templates_render_as_in_python() {
    let report = compare(&serde_json::from_str(include_str!("templates.json")).unwrap());
    assert!(report.differences.is_empty(), "{}", report.differences.join("\n"));
    assert_eq!((report.lenient, report.whole), (0, report.templates));
    assert!(report.templates >= 6 && report.same - report.refused > 50);
}

#[test]
fn hostile_templates_fall_back_and_say_so() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let sources = [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}".to_owned(),
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".to_owned(),
        "{{ 'x' * 10000000000 }}".to_owned(),
        "{% include '/etc/passwd' %}".to_owned(),
        "{{ messages.__class__.__mro__ }}{{ messages[0].nothing.at.all }}".to_owned(),
        format!("{{{{ {deep} }}}}"),
        "{% generation %}".to_owned(),
    ];
    for source in sources {
        let t = Template::choose(Some(&source), ["", ""], false);
        assert!(t.describe().starts_with("plain: the file's chat template fails: "), "{source:.60}: {}", t.describe());
        let hi = [Message { role: Speaker::User, text: "hi".into() }];
        let out = t.render(&hi, &Briefing::default(), ["", ""], &str::to_owned).unwrap();
        assert_eq!(out, "User: hi\nAssistant:");
    }
}
