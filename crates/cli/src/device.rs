//! `--device`, parsed here: Burn's own default prefers GPUs and panics on an unknown name.

use anyhow::bail;
use burn::tensor::Device;

/// The choice of the backend.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeviceArgs {
    /// Backend and, for GPUs, number: flex, ndarray, cpu, wgpu or wgpu:N, cuda or cuda:N
    #[arg(
        long,
        value_name = "DEVICE",
        env = "BURN_DEVICE",
        default_value = "flex"
    )]
    device: String,
}

impl DeviceArgs {
    /// The device, ready for tensors.
    pub(crate) fn open(&self) -> anyhow::Result<Device> {
        parse(&self.device)
    }

    /// Whether it is Burn's own backend on the CPU, where the engine takes over.
    pub(crate) fn is_flex(&self) -> bool {
        self.device.trim().eq_ignore_ascii_case("flex")
    }

    /// As it was named.
    pub(crate) fn name(&self) -> &str {
        &self.device
    }
}

/// Names with whether they take a number and whether they are compiled in.
pub(crate) const BACKENDS: [(&str, bool, bool); 5] = [
    ("flex", false, cfg!(feature = "flex")),
    ("ndarray", false, cfg!(feature = "ndarray")),
    ("cpu", false, cfg!(feature = "cpu")),
    ("wgpu", true, cfg!(feature = "wgpu")),
    ("cuda", true, cfg!(feature = "cuda")),
];

/// `wgpu:1` is the second GPU that WebGPU finds.
pub(crate) fn parse(text: &str) -> anyhow::Result<Device> {
    let text = text.trim().to_lowercase();
    let (name, number) = match text.split_once(':') {
        Some((name, number)) => (name, Some(number)),
        None => (text.as_str(), None),
    };
    let Some((name, numbered, compiled)) = BACKENDS.into_iter().find(|row| row.0 == name) else {
        let known = BACKENDS.map(|(name, numbered, _)| {
            if numbered {
                format!("{name}[:N]")
            } else {
                name.to_owned()
            }
        });
        bail!("unknown device {text}; known are {}", known.join(", "));
    };
    let index = match number {
        None => None,
        Some(_) if !numbered => bail!("device {name} takes no number, but {text} was given"),
        Some(number) => match number.parse::<usize>() {
            Ok(index) => Some(index),
            Err(_) => bail!("device {text}: {number} is no number; write {name}:0 for the first"),
        },
    };
    if !compiled {
        bail!(
            "device {name} is not compiled in; build burn-zoo-cli with `--features {name}` \
             (`burn-zoo devices` shows what is there)"
        );
    }
    Ok(open(name, index))
}

/// A device of a backend that is compiled in.
#[cfg_attr(
    not(any(feature = "wgpu", feature = "cuda")),
    expect(unused_variables, reason = "only GPUs have numbers")
)]
fn open(name: &str, index: Option<usize>) -> Device {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::ndarray(),
        #[cfg(feature = "cpu")]
        "cpu" => Device::cpu(),
        #[cfg(feature = "wgpu")]
        "wgpu" => {
            use burn::tensor::DeviceKind;
            Device::wgpu(index.map_or(DeviceKind::DefaultDevice, DeviceKind::DiscreteGpu))
        }
        #[cfg(feature = "cuda")]
        "cuda" => Device::cuda(index.unwrap_or(0)),
        other => unreachable!("{other} was checked to be compiled in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_device_is_an_error_that_lists_the_known_ones() {
        let message = message("gpu");
        assert!(message.contains("unknown device gpu"), "{message}");
        assert!(
            message.contains("flex") && message.contains("cuda[:N]"),
            "{message}"
        );
    }

    #[test]
    fn numbers_belong_to_gpus_only() {
        assert!(message("flex:1").contains("takes no number"));
        assert!(message("cuda:first").contains("cuda:0"));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_compiled_in_names_its_feature() {
        assert!(message("cuda:0").contains("--features cuda"));
    }
}
