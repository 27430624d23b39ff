//! `hearth serve --ui`: the window's interface on this machine's loopback, until interrupted.

use crate::end::End;
use crate::house::House;
use crate::out::Out;
use hearth_api::{Error, ErrorCode};
use std::sync::Arc;

/// Prints the link and serves.
pub(crate) fn run(house: &House, out: &Out) -> Result<End, Error> {
    let failed =
        |error: std::io::Error| Error::new(ErrorCode::Internal, format!("The loopback door did not open: {error}."));
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    runtime
        .block_on(async {
            let bound = hearth_server::bind().await?;
            out.line(bound.link());
            out.value(&serde_json::json!({ "link": bound.link() }));
            out.note("Serving on this machine only. Ctrl-C ends it.");
            bound.serve(Arc::new(hearth_kernel::Kernel::clone(house)), interrupted()).await
        })
        .map_err(failed)?;
    // A command that is under way (a download, an import) must not hold up the end; the kernel stops it in order.
    runtime.shutdown_background();
    Ok(End::Done)
}

async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut end) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = end.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
