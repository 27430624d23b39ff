//! Compares rendered chat templates with those of Python's jinja2: `tests/suite/templates.py` makes the file.
//! `cargo run -p hearth-inference --example templates -- CASES.json`

#[path = "../tests/suite/compare.rs"]
mod compare;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let r = compare::compare(&serde_json::from_str(&std::fs::read_to_string(path)?)?);
    r.differences.iter().for_each(|d| println!("{d}"));
    println!(
        "{} of {} the same ({} refused by both), {} refused by Python alone; {} of {} templates without a difference",
        r.same, r.all, r.refused, r.lenient, r.whole, r.templates
    );
    Ok(())
}
