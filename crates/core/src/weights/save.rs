//! Module to safetensors, as Python expects it.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{FloatCastAdapter, ModuleSnapshot as _, burn_pack};
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};

use super::KeyRow;
use super::keys::keyed;
use crate::Error;

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

/// The module as a safetensors file in memory: PyTorch's layout, the reference's keys.
///
/// # Errors
///
/// [`Error::Container`] if a tensor cannot be read back from its device.
pub fn to_safetensors<M: Module>(
    module: &M,
    rows: &[KeyRow],
    dtype: Dtype,
) -> Result<Vec<u8>, Error> {
    let fail = |reason: String| Error::Container {
        name: "the module's tensors".into(),
        reason,
    };
    let (burn_dtype, file_dtype) = dtype.pair();
    let mut values = Vec::new();
    for tensor in keyed(module, rows) {
        let (name, found, shape, _, bytes) = tensor
            .into_parts()
            .map_err(|e: burn_pack::Error| fail(e.to_string()))?;
        let data = burn::tensor::TensorData::from_bytes(bytes, shape.clone(), found);
        let data = data.convert_dtype(burn_dtype);
        values.push((name, shape.to_vec(), data.as_bytes().to_vec()));
    }
    let mut views = Vec::new();
    for (name, shape, bytes) in &values {
        let view = TensorView::new(file_dtype, shape.clone(), bytes);
        views.push((name.as_str(), view.map_err(|e| fail(e.to_string()))?));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| fail(e.to_string()))
}

/// The module as a burnpack file in memory: Burn's layout, our paths.
///
/// # Errors
///
/// [`Error::Container`] if a tensor cannot be read back from its device.
pub fn to_burnpack<M: Module>(module: &M, dtype: Dtype) -> Result<Vec<u8>, Error> {
    let (burn_dtype, _) = dtype.pair();
    let adapter = FloatCastAdapter::to(burn_dtype);
    let tensors = module.collect(None, Some(Box::new(adapter)), true);
    let bytes = burn_pack::Writer::new(tensors)
        .with_metadata("producer", "burn-zoo")
        .into_bytes()
        .map_err(|error| Error::Container {
            name: "the module's tensors".into(),
            reason: error.to_string(),
        })?;
    Ok(bytes.to_vec())
}

/// Writes [`to_safetensors`] to `path`, as [`write()`] does. An existing file is replaced.
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
    write(path, &to_safetensors(module, rows, dtype)?)
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
