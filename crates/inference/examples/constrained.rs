//! Has a model with random weights answer under random JSON schemas and says how many answers were invalid.
//! `cargo run -p hearth-inference --example constrained -- [HOW_MANY]`

#[path = "../tests/suite/schemas.rs"]
mod schemas;
#[allow(dead_code)]
#[path = "../tests/suite/tiny.rs"]
mod tiny;

use hearth_inference::engine::Chat;
use hearth_inference::quant::Type;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = std::env::args().nth(1).map_or(Ok(1000), |n| n.parse())?;
    let model = tiny::model("llama", Type::Q8_0, 21);
    let mut chat = Chat::load(&mut std::io::Cursor::new(model), 2, None, 1 << 30)?;
    let begun = std::time::Instant::now();
    let faults = schemas::run(&mut chat, n);
    faults.iter().for_each(|f| println!("{f}"));
    println!("{} of {n} answers valid, in {:.1} s", n as usize - faults.len(), begun.elapsed().as_secs_f64());
    Ok(())
}
