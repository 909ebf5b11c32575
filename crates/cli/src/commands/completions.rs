//! `burn-zoo completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::failure::Outcome;
use crate::report;

/// Writes a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: burn-zoo completions bash > ~/.local/share/bash-completion/completions/burn-zoo"
)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut super::Cli::command(),
            "burn-zoo",
            &mut script,
        );
        report::text(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Done)
    }
}
