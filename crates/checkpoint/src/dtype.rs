//! Number formats.

use std::fmt;

/// The number format of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE 754 double precision.
    F64,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of [`F32`](Self::F32).
    Bf16,
    /// 64 bits, signed.
    I64,
    /// 32 bits, signed.
    I32,
    /// 16 bits, signed.
    I16,
    /// 8 bits, signed.
    I8,
    /// 64 bits, unsigned.
    U64,
    /// 32 bits, unsigned.
    U32,
    /// 16 bits, unsigned.
    U16,
    /// 8 bits, unsigned.
    U8,
    /// A byte, 0 or 1.
    Bool,
    /// Any other format, such as 8-bit floats and complex numbers: its name in safetensors and its
    /// size in bits.
    Other(&'static str, u8),
}

impl Dtype {
    /// Size of one number in bits.
    pub fn bits(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 64,
            Self::F32 | Self::I32 | Self::U32 => 32,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 16,
            Self::I8 | Self::U8 | Self::Bool => 8,
            Self::Other(_, bits) => bits.into(),
        }
    }

    /// Bytes of `elements` numbers. `None` if that is not a whole number or overflows.
    pub(crate) fn bytes(self, elements: u64) -> Option<u64> {
        let bits = elements.checked_mul(self.bits() as u64)?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }

    /// Bytes of the unit that a change of byte order reverses.
    pub(crate) fn word(self) -> usize {
        match self {
            Self::Other(name, bits) if name.starts_with('C') => usize::from(bits) / 16,
            _ => self.bits() / 8,
        }
    }

    /// safetensors' names.
    pub(crate) fn from_safetensors(name: &str) -> Option<Self> {
        Some(match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            "I64" => Self::I64,
            "I32" => Self::I32,
            "I16" => Self::I16,
            "I8" => Self::I8,
            "U64" => Self::U64,
            "U32" => Self::U32,
            "U16" => Self::U16,
            "U8" => Self::U8,
            "BOOL" => Self::Bool,
            "F8_E4M3" => F8_E4M3,
            "F8_E5M2" => F8_E5M2,
            "F8_E8M0" => F8_E8M0,
            "F8_E4M3FNUZ" => F8_E4M3FNUZ,
            "F8_E5M2FNUZ" => F8_E5M2FNUZ,
            "F4" => Self::Other("F4", 4),
            "F6_E2M3" => Self::Other("F6_E2M3", 6),
            "F6_E3M2" => Self::Other("F6_E3M2", 6),
            "C64" => C64,
            _ => return None,
        })
    }

    /// The `float32` of `torch.float32`.
    pub(crate) fn from_torch(name: &str) -> Option<Self> {
        Some(match name {
            "float64" | "double" => Self::F64,
            "float32" | "float" => Self::F32,
            "float16" | "half" => Self::F16,
            "bfloat16" => Self::Bf16,
            "int64" | "long" => Self::I64,
            "int32" | "int" => Self::I32,
            "int16" | "short" => Self::I16,
            "int8" => Self::I8,
            "uint64" => Self::U64,
            "uint32" => Self::U32,
            "uint16" => Self::U16,
            "uint8" => Self::U8,
            "bool" => Self::Bool,
            "float8_e4m3fn" => F8_E4M3,
            "float8_e5m2" => F8_E5M2,
            "float8_e8m0fnu" => F8_E8M0,
            "float8_e4m3fnuz" => F8_E4M3FNUZ,
            "float8_e5m2fnuz" => F8_E5M2FNUZ,
            "complex32" | "chalf" => Self::Other("C32", 32),
            "complex64" | "cfloat" => C64,
            "complex128" | "cdouble" => C128,
            _ => return None,
        })
    }

    /// The `Float` of `torch.FloatStorage`.
    pub(crate) fn from_storage(class: &str) -> Option<Self> {
        Some(match class.strip_suffix("Storage")? {
            "Double" => Self::F64,
            "Float" => Self::F32,
            "Half" => Self::F16,
            "BFloat16" => Self::Bf16,
            "Long" => Self::I64,
            "Int" => Self::I32,
            "Short" => Self::I16,
            "Char" => Self::I8,
            "Byte" | "Untyped" => Self::U8,
            "Bool" => Self::Bool,
            "ComplexFloat" => C64,
            "ComplexDouble" => C128,
            _ => return None,
        })
    }

    /// From the number in `torch.export`'s schema, which is PyTorch's C++ `ScalarType` plus one.
    pub(crate) fn from_export(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::U8,
            2 => Self::I8,
            3 => Self::I16,
            4 => Self::I32,
            5 => Self::I64,
            6 => Self::F16,
            7 => Self::F32,
            8 => Self::F64,
            9 => Self::Other("C32", 32),
            10 => C64,
            11 => C128,
            12 => Self::Bool,
            13 => Self::Bf16,
            28 => Self::U16,
            29 => F8_E4M3,
            30 => F8_E5M2,
            31 => F8_E4M3FNUZ,
            32 => F8_E5M2FNUZ,
            33 => F8_E8M0,
            34 => Self::U32,
            35 => Self::U64,
            _ => return None,
        })
    }

    /// The `f4` of numpy's `<f4`.
    pub(crate) fn from_numpy(code: &str) -> Option<Self> {
        Some(match code {
            "f8" => Self::F64,
            "f4" => Self::F32,
            "f2" => Self::F16,
            "i8" => Self::I64,
            "i4" => Self::I32,
            "i2" => Self::I16,
            "i1" => Self::I8,
            "u8" => Self::U64,
            "u4" => Self::U32,
            "u2" => Self::U16,
            "u1" => Self::U8,
            "b1" => Self::Bool,
            "c8" => C64,
            "c16" => C128,
            _ => return None,
        })
    }
}

const F8_E4M3: Dtype = Dtype::Other("F8_E4M3", 8);
const F8_E5M2: Dtype = Dtype::Other("F8_E5M2", 8);
const F8_E8M0: Dtype = Dtype::Other("F8_E8M0", 8);
const F8_E4M3FNUZ: Dtype = Dtype::Other("F8_E4M3FNUZ", 8);
const F8_E5M2FNUZ: Dtype = Dtype::Other("F8_E5M2FNUZ", 8);
const C64: Dtype = Dtype::Other("C64", 64);
const C128: Dtype = Dtype::Other("C128", 128);

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
            Self::Other(name, _) => name,
        })
    }
}
