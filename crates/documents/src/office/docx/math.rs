//! Formulas of Office documents as one line of text.

use crate::xml::El;

/// The formula's text: fractions as `a/b`, powers as `a^b`, indices as `a_b`, roots as `√(a)`.
pub(super) fn text(el: El<'_>) -> String {
    let mut out = String::new();
    push(el, &mut out, 60);
    out.trim().to_owned()
}

fn push(el: El<'_>, out: &mut String, depth: u8) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let part = |name: &str| -> String {
        let mut text = String::new();
        if let Some(el) = el.child(name) {
            push(el, &mut text, depth);
        }
        text
    };
    match el.name() {
        "t" => out.push_str(&el.text()),
        "f" => {
            out.push_str(&grouped(&part("num")));
            out.push('/');
            out.push_str(&grouped(&part("den")));
        }
        "sSup" => out.push_str(&format!("{}^{}", part("e"), grouped(&part("sup")))),
        "sSub" => out.push_str(&format!("{}_{}", part("e"), grouped(&part("sub")))),
        "sSubSup" => out.push_str(&format!("{}_{}^{}", part("e"), grouped(&part("sub")), grouped(&part("sup")))),
        "rad" => out.push_str(&format!("{}√({})", part("deg"), part("e"))),
        "nary" => {
            let sign = el.path(&["naryPr", "chr"]).and_then(|el| el.attr("val")).unwrap_or("∫");
            out.push_str(sign);
            for (mark, name) in [('_', "sub"), ('^', "sup")] {
                let limit = part(name);
                if !limit.is_empty() {
                    out.push(mark);
                    out.push_str(&grouped(&limit));
                }
            }
            out.push(' ');
            out.push_str(&part("e"));
        }
        "d" => {
            let mark = |name: &str, usual: &'static str| {
                el.path(&["dPr", name]).and_then(|el| el.attr("val")).unwrap_or(usual).to_owned()
            };
            out.push_str(&mark("begChr", "("));
            for (i, inner) in el.children().filter(|el| el.name() == "e").enumerate() {
                if i > 0 {
                    out.push_str(&mark("sepChr", "|"));
                }
                push(inner, out, depth);
            }
            out.push_str(&mark("endChr", ")"));
        }
        "mr" => {
            for (i, inner) in el.children().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                push(inner, out, depth);
            }
            out.push_str("; ");
        }
        "rPr" | "ctrlPr" | "fPr" | "sSupPr" | "sSubPr" | "radPr" | "naryPr" | "dPr" | "oMathParaPr" => {}
        _ => {
            for child in el.children() {
                push(child, out, depth);
            }
        }
    }
}

fn grouped(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() > 1 && !text.chars().all(char::is_alphanumeric) {
        format!("({text})")
    } else {
        text.to_owned()
    }
}
