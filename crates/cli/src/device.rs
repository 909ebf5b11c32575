//! `--device`, parsed here: Burn's own default prefers GPUs and panics on an unknown name.

use anyhow::{Context as _, bail};
use burn::tensor::Device;
#[cfg(any(
    feature = "cpu",
    feature = "wgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "tch"
))]
use burn::tensor::DeviceType;

use crate::failure;

/// The choice of the backend.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeviceArgs {
    /// Backend, with a number where it has several devices (wgpu:1), or remote:ws://HOST:PORT;
    /// `burn-zoo devices` lists them
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

    /// As the user wrote it.
    pub(crate) fn name(&self) -> &str {
        &self.device
    }
}

/// A backend of Burn and how its devices are named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend {
    /// The name, which is its cargo feature's as well.
    pub(crate) name: &'static str,
    /// Whether it is compiled in.
    pub(crate) compiled: bool,
    suffix: Suffix,
    /// Where its devices are looked for, for an error's message.
    looks: &'static str,
}

/// What may follow a backend's name after a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suffix {
    None,
    Number,
    Address,
}

impl Backend {
    const fn one(name: &'static str, compiled: bool) -> Self {
        let looks = "this machine's processor";
        Self {
            name,
            compiled,
            suffix: Suffix::None,
            looks,
        }
    }

    const fn numbered(name: &'static str, compiled: bool, looks: &'static str) -> Self {
        let suffix = Suffix::Number;
        Self {
            name,
            compiled,
            suffix,
            looks,
        }
    }

    fn usage(&self) -> String {
        match self.suffix {
            Suffix::None => self.name.to_owned(),
            Suffix::Number => format!("{}[:N]", self.name),
            Suffix::Address => format!("{}:ws://HOST:PORT", self.name),
        }
    }
}

/// Every backend that a build may have.
pub(crate) const BACKENDS: [Backend; 10] = [
    Backend::one("flex", cfg!(feature = "flex")),
    Backend::one("ndarray", cfg!(feature = "ndarray")),
    Backend::one("cpu", cfg!(feature = "cpu")),
    Backend::numbered(
        "wgpu",
        cfg!(feature = "wgpu"),
        "the Vulkan, Metal, DirectX 12 and OpenGL drivers, for discrete, integrated, virtual and software \
         adapters (Debian's package mesa-vulkan-drivers is one in software)",
    ),
    Backend::numbered(
        "vulkan",
        cfg!(feature = "vulkan"),
        "the Vulkan drivers, for discrete, integrated, virtual and software adapters (Debian's \
         package mesa-vulkan-drivers is one in software)",
    ),
    Backend::numbered("cuda", cfg!(feature = "cuda"), "NVIDIA's driver, libcuda"),
    Backend::numbered("rocm", cfg!(feature = "rocm"), "AMD's driver, libamdhip64"),
    Backend::numbered("metal", cfg!(feature = "metal"), "Apple's Metal driver"),
    Backend::numbered(
        "tch",
        cfg!(feature = "tch"),
        "LibTorch (the processor without a number, its CUDA devices with one)",
    ),
    Backend {
        name: "remote",
        compiled: cfg!(feature = "remote"),
        suffix: Suffix::Address,
        looks: "the address, where `burn-zoo serve-device` listens",
    },
];

/// Whether the devices of a backend can add tensors between them. Burn's catalogue of backends counts
/// all of CubeCL's and remote devices in, but of CubeCL's only CUDA has an `all_reduce`, and a remote
/// device does not tell what is behind it.
pub(crate) fn has_collectives(name: &str) -> bool {
    let backend = name.trim().split(':').next().unwrap_or_default();
    backend.eq_ignore_ascii_case("cuda")
}

/// `wgpu:1` is the second device that `burn-zoo devices` shows for WebGPU.
pub(crate) fn parse(text: &str) -> anyhow::Result<Device> {
    let text = text.trim();
    let (name, suffix) = match text.split_once(':') {
        Some((name, suffix)) => (name.to_lowercase(), Some(suffix)),
        None => (text.to_lowercase(), None),
    };
    let Some(backend) = BACKENDS.iter().find(|backend| backend.name == name) else {
        let known: Vec<_> = BACKENDS.iter().map(Backend::usage).collect();
        bail!("unknown device {text}; known are {}", known.join(", "));
    };
    let number = match (backend.suffix, suffix) {
        (_, None) | (Suffix::Address, _) => None,
        (Suffix::None, Some(_)) => bail!("device {name} takes no number, but {text} was given"),
        (Suffix::Number, Some(number)) => match number.parse::<usize>() {
            Ok(number) => Some(number),
            Err(_) => bail!("device {text}: {number} is no number; write {name}:0 for the first"),
        },
    };
    if !backend.compiled {
        bail!(
            "device {name} is not compiled in; build burn-zoo-cli with `--features {name}` \
             (`burn-zoo devices` shows what is there)"
        );
    }
    let address = suffix.filter(|_| backend.suffix == Suffix::Address);
    failure::unpanicked(|| open(backend, number, address)).with_context(|| {
        format!(
            "device {text} cannot be opened; looked at {}",
            backend.looks
        )
    })
}

/// A device of a backend that is compiled in.
#[allow(
    deprecated,
    unused_variables,
    reason = "what is unused depends on the features; upstream marks ndarray and tch deprecated"
)]
fn open(backend: &Backend, number: Option<usize>, address: Option<&str>) -> anyhow::Result<Device> {
    #[cfg(feature = "wgpu")]
    use burn::tensor::DeviceKind::DefaultDevice;
    match backend.name {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "cpu")]
        "cpu" => Ok(Device::cpu()),
        #[cfg(feature = "wgpu")]
        "wgpu" => adapter(backend, Device::wgpu(DefaultDevice), number),
        #[cfg(feature = "vulkan")]
        "vulkan" => adapter(backend, Device::vulkan(DefaultDevice), number),
        #[cfg(feature = "metal")]
        "metal" => adapter(backend, Device::metal(DefaultDevice), number),
        #[cfg(feature = "cuda")]
        "cuda" => adapter(backend, Device::cuda(0), number),
        #[cfg(feature = "rocm")]
        "rocm" => adapter(backend, Device::rocm(0), number),
        #[cfg(feature = "tch")]
        "tch" => Ok(number.map_or_else(Device::libtorch, Device::libtorch_cuda)),
        #[cfg(feature = "remote")]
        "remote" => remote(address),
        other => unreachable!("{other} was checked to be compiled in"),
    }
}

/// The device that a number counts, or the backend's own choice; opened, since a driver that
/// does not work shows only then.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
fn adapter(backend: &Backend, usual: Device, number: Option<usize>) -> anyhow::Result<Device> {
    let mut all = enumerate(backend.name);
    let device = match number {
        _ if all.is_empty() => bail!("no adapter was found"),
        None => usual,
        Some(number) if number < all.len() => all.swap_remove(number),
        Some(number) => bail!(
            "there is no adapter {number}; {} found, counted from 0 (`burn-zoo devices`)",
            all.len()
        ),
    };
    let _ = device.identity();
    Ok(device)
}

/// The devices that a backend finds, in the order of their numbers. May panic where a driver
/// does not work.
#[allow(
    unreachable_code,
    unused_variables,
    reason = "without backends that have several devices there is nothing to look for"
)]
pub(crate) fn enumerate(name: &str) -> Vec<Device> {
    let kind = match name {
        #[cfg(feature = "cpu")]
        "cpu" => DeviceType::Cpu,
        #[cfg(feature = "wgpu")]
        "wgpu" => DeviceType::Wgpu,
        #[cfg(feature = "vulkan")]
        "vulkan" => DeviceType::Vulkan,
        #[cfg(feature = "metal")]
        "metal" => DeviceType::Metal,
        #[cfg(feature = "cuda")]
        "cuda" => DeviceType::Cuda,
        #[cfg(feature = "rocm")]
        "rocm" => DeviceType::Rocm,
        #[cfg(feature = "tch")]
        "tch" => DeviceType::LibTorch,
        _ => return Vec::new(),
    };
    #[cfg(any(
        feature = "cpu",
        feature = "wgpu",
        feature = "cuda",
        feature = "rocm",
        feature = "tch"
    ))]
    Device::enumerate(kind).into_vec()
}

/// A device that another machine lends.
#[cfg(feature = "remote")]
fn remote(address: Option<&str>) -> anyhow::Result<Device> {
    use burn::tensor::remote::RemoteHost;
    let address = address.unwrap_or_default();
    if !address.starts_with("ws://") {
        bail!("write remote:ws://HOST:PORT, where `burn-zoo serve-device HOST:PORT` runs");
    }
    Ok(Device::remote_options(&RemoteHost::websocket(address)).init()?)
}

/// The name of the adapter as its driver gives it; the processor's for backends that run there.
pub(crate) fn adapter_name(backend: &str, device: &Device) -> Option<String> {
    let on_processor = matches!(backend, "flex" | "ndarray");
    if on_processor {
        return crate::machine::processor();
    }
    #[cfg(any(feature = "cpu", feature = "wgpu", feature = "cuda", feature = "rocm"))]
    if let Some(identity) = device.identity() {
        return Some(identity.name);
    }
    let _ = device;
    None
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
        for known in ["flex,", "cuda[:N]", "remote:ws://HOST:PORT"] {
            assert!(message.contains(known), "{message}");
        }
    }

    #[test]
    fn numbers_belong_to_gpus_only() {
        assert!(message("flex:1").contains("takes no number"));
        assert!(message("cuda:first").contains("cuda:0"));
    }

    #[cfg(not(feature = "rocm"))]
    #[test]
    fn a_backend_that_is_not_compiled_in_names_its_feature() {
        assert!(message("ROCm:0").contains("--features rocm"));
        assert!(message("rocm").contains("--features rocm"));
    }
}
