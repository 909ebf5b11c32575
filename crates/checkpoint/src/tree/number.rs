//! Small tensors as plain numbers.

use crate::dtype::Dtype;
use crate::value::{Items, List, Value};
use crate::view::View;

/// The most elements of a tensor that is shown as numbers.
const SMALL: usize = 4096;

/// A tensor's numbers in row-major order, or one number if it has no dimensions. `None` if it is
/// large or cannot be read.
pub(crate) fn numbers(view: &View) -> Option<Value> {
    if view.bytes > (SMALL * 8) as u64 {
        return None;
    }
    let width = view.dtype.bits() / 8;
    let bytes = view.read().ok()?;
    let words = bytes.chunks_exact(width.max(1));
    let items = match view.dtype {
        Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => {
            let floats: Option<Vec<_>> = words.map(|word| float(view.dtype, word)).collect();
            Items::Floats(floats?.into())
        }
        Dtype::Bool => {
            let flags = words.map(|word| Value::Bool(word != [0]));
            Items::Values(flags.collect())
        }
        _ => {
            let ints: Option<Vec<_>> = words.map(|word| int(view.dtype, word)).collect();
            Items::Ints(ints?.into())
        }
    };
    let list = List(items);
    if view.shape.is_empty() {
        return list.get(0);
    }
    Some(Value::List(list))
}

fn float(dtype: Dtype, word: &[u8]) -> Option<f64> {
    Some(match dtype {
        Dtype::F64 => f64::from_le_bytes(word.try_into().ok()?),
        Dtype::F32 => f32::from_le_bytes(word.try_into().ok()?).into(),
        Dtype::Bf16 => {
            let bits = u16::from_le_bytes(word.try_into().ok()?);
            f32::from_bits(u32::from(bits) << 16).into()
        }
        Dtype::F16 => half(u16::from_le_bytes(word.try_into().ok()?)),
        _ => return None,
    })
}

fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

fn int(dtype: Dtype, word: &[u8]) -> Option<i64> {
    Some(match dtype {
        Dtype::I64 => i64::from_le_bytes(word.try_into().ok()?),
        Dtype::I32 => i32::from_le_bytes(word.try_into().ok()?).into(),
        Dtype::I16 => i16::from_le_bytes(word.try_into().ok()?).into(),
        Dtype::I8 => i8::from_le_bytes(word.try_into().ok()?).into(),
        Dtype::U64 => u64::from_le_bytes(word.try_into().ok()?).try_into().ok()?,
        Dtype::U32 => u32::from_le_bytes(word.try_into().ok()?).into(),
        Dtype::U16 => u16::from_le_bytes(word.try_into().ok()?).into(),
        Dtype::U8 => (*word.first()?).into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_as_ieee_754_says() {
        let values = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555];
        let halves = values.map(half);
        let smallest = 2_f64.powi(-24);
        assert_eq!(
            halves,
            [
                1.0,
                -2.0,
                65504.0,
                2_f64.powi(-14),
                smallest,
                0.333251953125
            ]
        );
        assert!(half(0x7e00).is_nan());
    }
}
