"""Arithmetic coding of the scans that jpeg_writer.py makes (ITU-T T.81, annex D, F.1.4, G.1.3)."""

# Table D.3: the less probable interval, the states after the less and the more probable symbol,
# and whether they change places. The last state is fixed (T.851).
STATES = [
    tuple(int(part, 16) for part in row.split(","))
    for row in """
5a1d,1,1,1 2586,e,2,0 1114,10,3,0 80b,12,4,0 3d8,14,5,0 1da,17,6,0 e5,19,7,0 6f,1c,8,0 36,1e,9,0
1a,21,a,0 d,23,b,0 6,9,c,0 3,a,d,0 1,c,d,0 5a7f,f,f,1 3f25,24,10,0 2cf2,26,11,0 207c,27,12,0
17b9,28,13,0 1182,2a,14,0 cef,2b,15,0 9a1,2d,16,0 72f,2e,17,0 55c,30,18,0 406,31,19,0 303,33,1a,0
240,34,1b,0 1b1,36,1c,0 144,38,1d,0 f5,39,1e,0 b7,3b,1f,0 8a,3c,20,0 68,3e,21,0 4e,3f,22,0
3b,20,23,0 2c,21,9,0 5ae1,25,25,1 484c,40,26,0 3a0d,41,27,0 2ef1,43,28,0 261f,44,29,0
1f33,45,2a,0 19a8,46,2b,0 1518,48,2c,0 1177,49,2d,0 e74,4a,2e,0 bfb,4b,2f,0 9f8,4d,30,0
861,4e,31,0 706,4f,32,0 5cd,30,33,0 4de,32,34,0 40f,32,35,0 363,33,36,0 2d4,34,37,0 25c,35,38,0
1f8,36,39,0 1a4,37,3a,0 160,38,3b,0 125,39,3c,0 f6,3a,3d,0 cb,3b,3e,0 ab,3d,3f,0 8f,3d,20,0
5b12,41,41,1 4d04,50,42,0 412c,51,43,0 37d8,52,44,0 2fe8,53,45,0 293c,54,46,0 2379,56,47,0
1edf,57,48,0 1aa9,57,49,0 174e,48,4a,0 1424,48,4b,0 119c,4a,4c,0 f6b,4a,4d,0 d51,4b,4e,0
bb6,4d,4f,0 a40,4d,30,0 5832,50,51,1 4d1c,58,52,0 438e,59,53,0 3bdd,5a,54,0 34ee,5b,55,0
2eae,5c,56,0 299a,5d,57,0 2516,56,47,0 5570,58,59,1 4ca9,5f,5a,0 44d9,60,5b,0 3e22,61,5c,0
3824,63,5d,0 32b4,63,5e,0 2e17,5d,56,0 56a8,5f,60,1 4f46,65,61,0 47e5,66,62,0 41cf,67,63,0
3c3d,68,64,0 375e,63,5d,0 5231,69,66,0 4c0f,6a,67,0 4639,6b,68,0 415e,67,63,0 5627,69,6a,1
50e7,6c,6b,0 4b85,6d,67,0 5597,6e,6d,0 504f,6f,6b,0 5a10,6e,6f,1 5522,70,6d,0 59eb,70,6f,1
5a1d,71,71,0
""".split()
]
assert len(STATES) == 114


class Coder:
    def __init__(self):
        self.out = bytearray()
        self.code, self.interval, self.count = 0, 0x10000, 11
        self.buffer, self.full, self.zeros = -1, 0, 0

    def emit(self, byte):
        self.out += bytes(self.zeros) + bytes([byte]) + (b"\0" if byte == 0xFF else b"")
        self.zeros = 0

    def settle(self, carry):
        """Writes the byte that waited, and the full ones behind it."""
        if carry:
            if self.buffer >= 0:
                self.emit(self.buffer + 1)
            self.zeros += self.full
        else:
            if self.buffer == 0:
                self.zeros += 1
            elif self.buffer > 0:
                self.emit(self.buffer)
            for _ in range(self.full):
                self.emit(0xFF)
        self.full = 0

    def put(self, stats, at, bit):
        symbol, state = stats[at] >> 7, stats[at] & 0x7F
        width, less, more, switch = STATES[state]
        self.interval -= width
        if bit != symbol:
            if self.interval >= width:
                self.code += self.interval
                self.interval = width
            stats[at] = (symbol ^ switch) << 7 | less
        else:
            if self.interval >= 0x8000:
                return
            if self.interval < width:
                self.code += self.interval
                self.interval = width
            stats[at] = symbol << 7 | more
        while self.interval < 0x8000:
            self.interval <<= 1
            self.code <<= 1
            self.count -= 1
            if self.count == 0:
                byte = self.code >> 19
                if byte == 0xFF:
                    self.full += 1
                else:
                    self.settle(byte > 0xFF)
                    self.buffer = byte & 0xFF
                self.code &= 0x7FFFF
                self.count = 8

    def finish(self):
        end = (self.interval - 1 + self.code) & ~0xFFFF
        self.code = (end + 0x8000 if end < self.code else end) << self.count
        self.settle(self.code > 0x7FFFFFF)
        if self.code & 0x7FFF800:
            self.emit(self.code >> 19 & 0xFF)
            if self.code & 0x7F800:
                self.emit(self.code >> 11 & 0xFF)
        return bytes(self.out)


class Segment:
    """The data between two restart markers."""

    def __init__(self):
        self.coder = Coder()
        self.dc_stats = [bytearray(64) for _ in range(2)]
        self.ac_stats = [bytearray(256) for _ in range(2)]
        self.fixed = bytearray([113])
        self.previous, self.context = [0] * 4, [0] * 4

    def size(self, stats, at, value, m):
        """A value of `m` or more: how many bits it has, then the bits below the first."""
        while value >= 2 * m:
            self.coder.put(stats, at, 1)
            m, at = 2 * m, at + 1
        self.coder.put(stats, at, 0)
        while m > 1:
            m >>= 1
            self.coder.put(stats, at + 14, 1 if value & m else 0)

    def dc(self, slot, member, value):
        stats, at = self.dc_stats[slot], self.context[member]
        difference = value - self.previous[member]
        self.previous[member] = value
        self.coder.put(stats, at, int(difference != 0))
        self.context[member] = 0
        if difference == 0:
            return
        negative = int(difference < 0)
        self.coder.put(stats, at + 1, negative)
        left = abs(difference) - 1
        self.coder.put(stats, at + 2 + negative, int(left > 0))
        # The conditioning is the default: small is up to 1.
        self.context[member] = (12 if left > 1 else 4) + 4 * negative
        if left > 0:
            self.size(stats, 20, left, 1)

    def ac(self, slot, block, first, last, low):
        stats = self.ac_stats[slot]
        values = [(abs(c) >> low) * (1 if c > 0 else -1) for c in block]
        end = max((k for k in range(first, last + 1) if values[k]), default=0)
        k = first
        while k <= end:
            self.coder.put(stats, 3 * (k - 1), 0)
            while values[k] == 0:
                self.coder.put(stats, 3 * (k - 1) + 1, 0)
                k += 1
            self.coder.put(stats, 3 * (k - 1) + 1, 1)
            self.coder.put(self.fixed, 0, int(values[k] < 0))
            left, at = abs(values[k]) - 1, 3 * (k - 1) + 2
            self.coder.put(stats, at, int(left > 0))
            if left > 0:
                self.coder.put(stats, at, int(left > 1))
                if left > 1:
                    self.size(stats, 189 if k <= 5 else 217, left, 2)
            k += 1
        if k <= last:
            self.coder.put(stats, 3 * (k - 1), 1)

    def refine(self, slot, block, first, last, low):
        stats = self.ac_stats[slot]
        values = [abs(c) >> low for c in block]
        end = max((k for k in range(first, last + 1) if values[k]), default=0)
        before = max((k for k in range(1, last + 1) if values[k] > 1), default=0)
        k = first
        while k <= end:
            if k > before:
                self.coder.put(stats, 3 * (k - 1), 0)
            while values[k] == 0:
                self.coder.put(stats, 3 * (k - 1) + 1, 0)
                k += 1
            if values[k] > 1:
                self.coder.put(stats, 3 * (k - 1) + 2, values[k] & 1)
            else:
                self.coder.put(stats, 3 * (k - 1) + 1, 1)
                self.coder.put(self.fixed, 0, int(block[k] < 0))
            k += 1
        if k <= last and k > before:
            self.coder.put(stats, 3 * (k - 1), 1)


def data(picture, scan, restart):
    """The entropy-coded data of a scan."""
    out, segment = b"", Segment()
    for number, unit in enumerate(picture.units(scan.members)):
        if restart and number and number % restart == 0:
            out += segment.coder.finish() + bytes([0xFF, 0xD0 + (number // restart - 1) % 8])
            segment = Segment()
        for member, block in unit:
            slot = scan.slot(member)
            if not scan.progressive:
                segment.dc(slot, member, block[0])
                segment.ac(slot, block, 1, 63, 0)
            elif scan.first == 0 and scan.high == 0:
                segment.dc(slot, member, block[0] >> scan.low)
            elif scan.first == 0:
                segment.coder.put(segment.fixed, 0, block[0] >> scan.low & 1)
            elif scan.high == 0:
                segment.ac(slot, block, scan.first, scan.last, scan.low)
            else:
                segment.refine(slot, block, scan.first, scan.last, scan.low)
    return out + segment.coder.finish()
