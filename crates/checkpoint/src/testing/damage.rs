//! Files broken by chance or on purpose: one for each seed.

/// Numbers that often expose bugs.
const EXTREMES: [u64; 14] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
    u64::MAX / 4,
    3_000_000_000,
];

/// Pickle opcodes that create, copy, nest and join objects.
const OPERATIONS: &[u8] =
    b"]}()\x8f2eaustdlbRQ\x81\x93\x94\x85\x86\x87hjqrNKJMXGco0i1\x90\x91\x92.";

/// A deterministic random generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }
}

/// Breaks a file in a way that depends on `dice`; `other` is a file to take parts from.
pub fn damage(file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = place(bytes.len(), dice);
        match dice.below(9) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes.truncate(at),
            2 => {
                let width = [1, 2, 4, 8][dice.below(4)];
                let value = EXTREMES[dice.below(EXTREMES.len())].to_le_bytes();
                let end = bytes.len().min(at + width);
                bytes[at..end].copy_from_slice(&value[..end - at]);
            }
            3 => bytes[at] = OPERATIONS[dice.below(OPERATIONS.len())],
            4 => {
                // A run of one opcode.
                let code = OPERATIONS[dice.below(OPERATIONS.len())];
                let len = 1 << dice.below(14);
                bytes.splice(at..at, std::iter::repeat_n(code, len));
            }
            5 => {
                let len = dice.below(64);
                let end = bytes.len().min(at + len);
                bytes.drain(at..end);
            }
            6 => {
                // A part of itself, repeated.
                let end = bytes.len().min(at + 1 + dice.below(48));
                let part = bytes[at..end].to_vec();
                let all = part.repeat(1 << dice.below(9));
                bytes.splice(at..at, all);
            }
            7 => {
                let from = dice.below(other.len());
                let end = other.len().min(from + dice.below(256));
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => {
                // Digits and letters in texts, such as sizes in JSON.
                let byte = b"0123456789-{}[]\",:eE "[dice.below(21)];
                bytes[at] = byte;
            }
        }
    }
    bytes
}

/// A position, more often near the beginning or the end, where most of the structure is.
fn place(len: usize, dice: &mut Dice) -> usize {
    match dice.below(4) {
        0 => dice.below(len.min(600)),
        1 => len - 1 - dice.below(len.min(600)),
        _ => dice.below(len),
    }
}
