//! `--dtype`: the number format that a network is run in.

use std::fmt;

use anyhow::{Result, bail};
use burn::module::{Module as _, ModuleMapper, Param};
use burn::tensor::{DType, Device, FloatDType, Tensor};
use burn_zoo::AnyClassifier;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::device::DeviceArgs;
use crate::engine::EngineArgs;
use crate::failure::Usage;

/// Number formats with their names, widest first.
pub(crate) const FORMATS: [(&str, DType); 4] = [
    ("f64", DType::F64),
    ("f32", DType::F32),
    ("f16", DType::F16),
    ("bf16", DType::BF16),
];

/// A number format that networks run in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    #[default]
    F32,
    F16,
    Bf16,
}

/// How a network that only answers is run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InferenceArgs {
    #[command(flatten)]
    device: DeviceArgs,
    /// Number format of weights and images, where the backend computes with it
    #[arg(long, value_name = "DTYPE", value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    #[command(flatten)]
    engine: EngineArgs,
}

impl InferenceArgs {
    /// Whether networks are compiled: where Burn's own backend for processors computes in f32,
    /// unless the user says otherwise.
    pub(crate) fn compiles(&self) -> Result<bool> {
        let usual = self.device.is_flex() && self.dtype == Precision::F32;
        let on = self.engine.is_on(usual);
        if on {
            self.dtype.compiles()?;
        }
        if on && !self.device.is_flex() {
            let device = self.device.name();
            return Err(Usage(format!("--engine on computes on flex, not on {device}")).into());
        }
        Ok(on)
    }

    /// The device, whose tensors have that format from now on.
    pub(crate) fn open(&self) -> Result<Device> {
        let device = self.device.open()?;
        self.dtype.set(device, self.device.name())
    }
}

impl Precision {
    /// Refuses what the engine does not compute in.
    pub(crate) fn compiles(self) -> Result<()> {
        match self {
            Self::F32 => Ok(()),
            _ => Err(Usage(format!("--engine on computes in f32, not in {self}")).into()),
        }
    }

    /// Makes this the format of every tensor that is made on the device after this.
    pub(crate) fn set(self, mut device: Device, name: &str) -> Result<Device> {
        if device.settings().float_dtype == FloatDType::from(self) {
            return Ok(device);
        }
        if device.configure(FloatDType::from(self)).is_err() {
            let known = formats(&device).join(", ");
            bail!("device {name} does not compute in {self}; it does in {known}");
        }
        Ok(device)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

impl From<Precision> for FloatDType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
            Precision::Bf16 => Self::BF16,
        }
    }
}

/// The formats that a device computes with.
pub(crate) fn formats(device: &Device) -> Vec<&'static str> {
    let supported = FORMATS
        .iter()
        .filter(|(_, dtype)| device.supports_dtype(*dtype));
    supported.map(|(name, _)| *name).collect()
}

/// The network in the format of its device's tensors; files are read as f32.
pub(crate) fn cast(model: AnyClassifier, device: &Device) -> AnyClassifier {
    match device.settings().float_dtype {
        FloatDType::F32 => model,
        other => model.map(&mut Cast(other)),
    }
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(self.0))
    }
}
