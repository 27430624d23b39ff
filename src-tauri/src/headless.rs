//! Without a display: the same interface on loopback, with its link printed, until the program is ended.

use crate::arguments::Arguments;
use hearth_kernel::Kernel;
use std::process::ExitCode;
use std::sync::Arc;

/// Serves until interrupted.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let kernel = match Kernel::start(arguments.config(None)) {
        Ok(kernel) => kernel,
        Err(error) => return failed(error.to_string()),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(format!("no threads: {error}")),
    };
    let served = runtime.block_on(async {
        let bound = hearth_server::bind().await?;
        println!("{}", bound.link());
        let until = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        bound.serve(Arc::new(kernel.clone()), until).await
    });
    kernel.stop();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(format!("the loopback door did not open: {error}")),
    }
}

fn failed(why: String) -> ExitCode {
    eprintln!("hearth: {why}");
    ExitCode::FAILURE
}
