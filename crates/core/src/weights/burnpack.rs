//! Burn's own weight files.

use burn::tensor::{Bytes, DType};
use burn_store::burn_pack::{self, Tensor as PackTensor};

/// The first bytes of a file.
pub(super) const MAGIC: [u8; 4] = burn_pack::MAGIC_NUMBER.to_le_bytes();
/// Bytes of metadata that any file may have; that of `resnet152` takes 0.1 MB.
const METADATA: usize = 1 << 20;

/// The tensors and metadata of a file, or the reason why there are none.
#[expect(clippy::type_complexity, reason = "used once")]
pub(super) fn open(bytes: Vec<u8>) -> Result<(Vec<PackTensor>, Vec<(String, String)>), String> {
    let length = bytes.len();
    // burn-pack accepts 100 MiB of metadata, where one byte can expand to three sizes.
    let metadata = bytes.get(6..10).and_then(|bytes| bytes.try_into().ok());
    let metadata = u32::from_le_bytes(metadata.unwrap_or_default()) as usize;
    if metadata > METADATA + length / 64 {
        return Err(format!(
            "not a complete burnpack file ({metadata} bytes of metadata)"
        ));
    }
    let reader = burn_pack::Reader::from_bytes(Bytes::from_bytes_vec(bytes));
    let reader = reader.map_err(|error| error.to_string())?;
    let said = reader.metadata().iter();
    let said = said
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let tensors = reader.into_tensors().map_err(|error| error.to_string())?;
    if tensors.is_empty() {
        return Err("it holds no tensor".to_owned());
    }
    for tensor in &tensors {
        // burn-pack does not check the lengths of quantized tensors, and our networks have none.
        if matches!(tensor.dtype, DType::QFloat(_)) {
            return Err(format!("{} is quantized", tensor.name));
        }
        let largest = tensor.shape.iter().max().copied().unwrap_or(0);
        if tensor.byte_len().max(largest) > length {
            return Err(format!("tensor {} is larger than the file", tensor.name));
        }
    }
    Ok((tensors, said))
}
