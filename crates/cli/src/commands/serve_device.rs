//! `burn-zoo serve-device`.

use anyhow::Result;

use crate::device::DeviceArgs;
use crate::failure::Outcome;

/// Lends this machine's device to others, who name it remote:ws://HOST:PORT
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: burn-zoo serve-device 127.0.0.1:3000 --device wgpu

The connection is neither encrypted nor guarded: whoever reaches the address computes here. Use it
in a network that you trust. Ends with Ctrl-C."
)]
pub(crate) struct Args {
    /// Address and port to listen at; 0.0.0.0:3000 listens on all of this machine's interfaces
    #[arg(value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    device: DeviceArgs,
}

impl Args {
    #[cfg(feature = "remote")]
    pub(crate) fn run(self) -> Result<Outcome> {
        use anyhow::Context as _;
        use burn::server::{RemoteServer, WebSocketTransport};

        let listener = std::net::TcpListener::bind(&self.address)
            .with_context(|| format!("cannot listen at {}", self.address))?;
        let device = self.device.open()?;
        // Burn's own log would go to standard output; a second subscriber is not installed.
        let _ = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .try_init();
        let at = listener.local_addr()?;
        crate::report::note(&format!(
            "lending {}: --device remote:ws://{at}",
            self.device.name()
        ));
        RemoteServer::new([device]).serve(WebSocketTransport::from_listener(listener))?;
        Ok(Outcome::Done)
    }

    #[cfg(not(feature = "remote"))]
    pub(crate) fn run(self) -> Result<Outcome> {
        anyhow::bail!(
            "lending {} at {} is not compiled in; build burn-zoo-cli with `--features remote`",
            self.device.name(),
            self.address
        )
    }
}
