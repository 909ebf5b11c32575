//! A bit reader for entropy-coded data.

/// Reads the bits of one segment of entropy-coded data, most significant first. After a marker or
/// the end of the data, it returns zeros.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    /// Position of the next byte.
    pub(crate) pos: usize,
    /// The next bits, left-aligned.
    buffer: u64,
    /// Bits in the buffer, including zero padding.
    left: u32,
    /// Zero-padding bits at the end of the buffer.
    made_up: u32,
    /// Whether padding bits were consumed.
    overrun: bool,
    /// The marker that ended the data, or 0.
    pub(crate) marker: u8,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(data: &'a [u8], pos: usize) -> Self {
        Self {
            data,
            pos,
            buffer: 0,
            left: 0,
            made_up: 0,
            overrun: false,
            marker: 0,
        }
    }

    /// Discards the bits read ahead, for a restart.
    pub(crate) fn clear(&mut self) {
        self.buffer = 0;
        self.left = 0;
        self.made_up = 0;
        self.overrun = false;
    }

    /// Whether more bits were read than the data has.
    pub(crate) fn overrun(&self) -> bool {
        self.overrun || self.left < self.made_up
    }

    /// Makes at least 32 bits available: enough for a Huffman code and its value.
    #[inline(always)]
    pub(crate) fn ensure_32(&mut self) {
        if self.left < 32 {
            self.refill();
        }
    }

    /// Peeks at the next `n` bits (1 to 32). Call [`Self::ensure_32`] first.
    #[inline(always)]
    pub(crate) fn peek(&self, n: u32) -> u32 {
        (self.buffer >> (64 - n)) as u32
    }

    /// Drops `n` bits (at most 32).
    #[inline(always)]
    pub(crate) fn consume(&mut self, n: u32) {
        self.buffer <<= n;
        self.left = self.left.wrapping_sub(n);
    }

    /// Reads `n` bits (1 to 16).
    #[inline(always)]
    pub(crate) fn take(&mut self, n: u32) -> u32 {
        self.ensure_32();
        let value = self.peek(n);
        self.consume(n);
        value
    }

    #[inline(always)]
    fn refill(&mut self) {
        if self.marker == 0
            && let Some(next) = self.data.get(self.pos..self.pos + 8)
            && let Ok(next) = <[u8; 8]>::try_from(next)
        {
            let word = u64::from_be_bytes(next);
            let inverted = !word;
            let has_ff =
                inverted.wrapping_sub(0x0101_0101_0101_0101) & !inverted & 0x8080_8080_8080_8080;
            if has_ff == 0 {
                let bytes = (63 - self.left) >> 3;
                self.buffer |= word >> self.left;
                self.pos += bytes as usize;
                self.left += bytes * 8;
                return;
            }
        }
        *self = self.refilled_slowly();
    }

    /// Passes the reader by value, so that the fast path can keep the bits in registers.
    #[cold]
    #[inline(never)]
    fn refilled_slowly(mut self) -> Self {
        while self.left <= 56 {
            let Some(byte) = self.next_byte() else {
                self.overrun |= self.left < self.made_up;
                self.made_up = self.made_up.min(self.left) + 64 - self.left;
                self.left = 64;
                return self;
            };
            self.buffer |= u64::from(byte) << (56 - self.left);
            self.left += 8;
        }
        self
    }

    /// The next byte of data. `None` at a marker or the end of the file.
    fn next_byte(&mut self) -> Option<u8> {
        if self.marker != 0 {
            return None;
        }
        let first = *self.data.get(self.pos)?;
        if first != 0xff {
            self.pos += 1;
            return Some(first);
        }
        let mut at = self.pos + 1;
        while *self.data.get(at)? == 0xff {
            at += 1;
        }
        let code = self.data[at];
        self.pos = at + 1;
        if code == 0 {
            return Some(0xff);
        }
        self.marker = code;
        None
    }
}
