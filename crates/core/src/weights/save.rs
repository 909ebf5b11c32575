//! Module to safetensors, as Python expects it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, TensorData};
use burn_store::ModuleSnapshot as _;
use burn_store::burn_pack::{self, Tensor as PackTensor};
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};

use super::KeyRow;
use super::keys::keyed;
use crate::Error;

/// From here on infinity is the nearest value that f16 has.
const F16_LIMIT: f32 = 65_520.0;

/// Number format of the values in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dtype {
    /// 32-bit IEEE floats.
    #[default]
    F32,
    /// 16-bit IEEE floats.
    F16,
    /// 16-bit brain floats.
    Bf16,
}

impl Dtype {
    fn pair(self) -> (DType, safetensors::Dtype) {
        match self {
            Self::F32 => (DType::F32, safetensors::Dtype::F32),
            Self::F16 => (DType::F16, safetensors::Dtype::F16),
            Self::Bf16 => (DType::BF16, safetensors::Dtype::BF16),
        }
    }
}

/// The module as a safetensors file in memory, with PyTorch's layout and the reference's keys. The
/// names and values in `facts` go into its header.
///
/// # Errors
///
/// [`Error::Save`] if a tensor cannot be read back from its device or has a value that `dtype` cannot
/// hold.
pub fn to_safetensors<M: Module>(
    module: &M,
    rows: &[KeyRow],
    facts: &[(&str, String)],
    dtype: Dtype,
) -> Result<Vec<u8>, Error> {
    let (burn_dtype, file_dtype) = dtype.pair();
    let mut values = Vec::new();
    for tensor in keyed(module, rows) {
        let tensor = cast(tensor, burn_dtype)?.into_parts();
        let (name, _, shape, _, bytes) = tensor.map_err(|error| unsaved(&error))?;
        values.push((name, shape.to_vec(), bytes));
    }
    let mut views = Vec::new();
    for (name, shape, bytes) in &values {
        let view = TensorView::new(file_dtype, shape.clone(), bytes);
        views.push((name.as_str(), view.map_err(|error| unsaved(&error))?));
    }
    let file = safetensors::serialize(views, None).map_err(|error| unsaved(&error))?;
    let mut metadata = BTreeMap::from([("format", "pt")]);
    metadata.extend(facts.iter().map(|(name, value)| (*name, value.as_str())));
    with_metadata(&file, &metadata).map_err(|error| unsaved(&error))
}

/// Bytes of the header length field of a safetensors file, and the alignment of the header.
const WORD: usize = 8;

/// A safetensors file with sorted metadata in its header. The `safetensors` crate writes metadata in
/// arbitrary order, but the same network must always give the same file.
fn with_metadata(file: &[u8], metadata: &BTreeMap<&str, &str>) -> serde_json::Result<Vec<u8>> {
    let (length, rest) = file.split_at(WORD);
    let length = length
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    let (header, values) = rest.split_at(length);
    let tensors = header.trim_ascii().strip_prefix(b"{").unwrap_or(header);
    let mut header =
        format!("{{\"__metadata__\":{}", serde_json::to_string(metadata)?).into_bytes();
    if tensors != b"}" {
        header.push(b',');
    }
    header.extend(tensors);
    header.resize(header.len().next_multiple_of(WORD), b' ');
    Ok([&(header.len() as u64).to_le_bytes(), &header[..], values].concat())
}

/// The module as a burnpack file in memory, with Burn's layout, our paths, and `facts` in its header.
///
/// # Errors
///
/// As [`to_safetensors`].
pub fn to_burnpack<M: Module>(
    module: &M,
    facts: &[(&str, String)],
    dtype: Dtype,
) -> Result<Vec<u8>, Error> {
    let (dtype, _) = dtype.pair();
    let tensors = module.collect(None, None, true).into_iter();
    let tensors = tensors.map(|tensor| cast(tensor, dtype));
    let writer = burn_pack::Writer::new(tensors.collect::<Result<_, _>>()?);
    let writer = facts.iter().fold(
        writer.with_metadata("producer", "burn-zoo"),
        |writer, (name, value)| writer.with_metadata(name, value),
    );
    let bytes = writer.into_bytes().map_err(|error| unsaved(&error))?;
    Ok(bytes.to_vec())
}

/// A tensor in another number format; one without floats as it is.
fn cast(tensor: PackTensor, dtype: DType) -> Result<PackTensor, Error> {
    if !tensor.dtype.is_float() {
        return Ok(tensor);
    }
    let (name, found, shape, id, bytes) = tensor.into_parts().map_err(|error| unsaved(&error))?;
    let data = TensorData::from_bytes(bytes, shape.clone(), found);
    let beyond = |value: f32| value.is_finite() && value.abs() >= F16_LIMIT;
    if dtype == DType::F16 && data.iter().any(beyond) {
        return Err(unsaved(&format!(
            "{name} has values that f16 cannot hold (above 65,504); bf16 and f32 can"
        )));
    }
    let bytes = data.convert_dtype(dtype).into_bytes();
    Ok(PackTensor::new(name, dtype, shape, id, bytes))
}

fn unsaved(reason: &dyn std::fmt::Display) -> Error {
    Error::Save {
        reason: reason.to_string(),
    }
}

/// Writes [`to_safetensors`] without facts to `path`, as [`write()`] does. An existing file is
/// replaced.
///
/// # Errors
///
/// [`Error::Write`], and those of [`to_safetensors`].
pub fn save<M: Module>(
    module: &M,
    rows: &[KeyRow],
    path: &Path,
    dtype: Dtype,
) -> Result<(), Error> {
    write(path, &to_safetensors(module, rows, &[], dtype)?)
}

/// Writes a whole file: beside its place first, then renamed, so that no reader ever sees half
/// of it. An existing file is replaced.
///
/// # Errors
///
/// [`Error::Write`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fail = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // A temporary file is its owner's alone; a finished one is whoever's the umask says.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(fail)?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(fail)?;
    file.persist(path).map_err(|e| fail(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn with(value: f32) -> Linear {
        let device = Device::flex();
        let mut linear = LinearConfig::new(1, 2).with_bias(false).init(&device);
        linear.weight = Param::from_tensor(Tensor::from_data([[1.0, value]], &device));
        linear
    }

    #[test]
    fn a_value_is_not_made_infinite() {
        let great = with(-65_520.0);
        let both = [
            to_safetensors(&great, &[], &[], Dtype::F16),
            to_burnpack(&great, &[], Dtype::F16),
        ];
        for message in both.map(|saved| saved.unwrap_err().to_string()) {
            assert!(
                message.contains("weight has values that f16 cannot hold"),
                "{message}"
            );
        }
        to_safetensors(&great, &[], &[], Dtype::Bf16).unwrap();
        to_burnpack(&great, &[], Dtype::F32).unwrap();
        // The greatest that is rounded to a number, and one that was infinite before.
        for kept in [65_519.0, f32::INFINITY] {
            to_safetensors(&with(kept), &[], &[], Dtype::F16).unwrap();
        }
    }
}
