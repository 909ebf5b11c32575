"""Writes JPEGs of every kind from coefficients, those that Pillow cannot write included.

It is not a good encoder: codes are long, and the coefficients are made up. It follows ITU-T T.81.
"""

import struct

import jpeg_arithmetic

ZIGZAG = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
]


def segment(code, body):
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


class Table:
    """A Huffman table: codes per length, and the symbols."""

    def __init__(self, counts, symbols):
        self.counts, self.symbols = counts, symbols
        self.codes = {}
        code = index = 0
        for length, count in enumerate(counts, 1):
            for symbol in symbols[index : index + count]:
                self.codes[symbol] = (code, length)
                code += 1
            index += count
            code <<= 1

    @classmethod
    def flat(cls, symbols):
        """All codes equally long, but for one."""
        bits = max(1, (len(symbols)).bit_length() if len(symbols) & (len(symbols) - 1) else
                   len(symbols).bit_length() - 1)
        counts = [0] * 16
        if len(symbols) < 1 << bits:
            counts[bits - 1] = len(symbols)
        else:
            counts[bits - 1] = len(symbols) - 1
            counts[bits] = 1
        return cls(counts, symbols)

    @classmethod
    def steep(cls, symbols):
        """One code of each length up to 7, all others of 16 bits."""
        counts = [1] * 7 + [0] * 9
        counts = counts if len(symbols) > 7 else [1] * len(symbols) + [0] * (16 - len(symbols))
        counts[15] += max(0, len(symbols) - 7)
        return cls(counts, symbols)

    def body(self, kind, slot):
        return bytes([kind << 4 | slot]) + bytes(self.counts) + bytes(self.symbols)


class Bits:
    def __init__(self):
        self.out, self.value, self.count = bytearray(), 0, 0

    def put(self, value, count):
        if count == 0:
            return
        self.value = self.value << count | value & (1 << count) - 1
        self.count += count
        while self.count >= 8:
            self.count -= 8
            byte = self.value >> self.count & 0xFF
            self.out.append(byte)
            if byte == 0xFF:
                self.out.append(0)
        self.value &= (1 << self.count) - 1

    def flush(self):
        if self.count:
            self.put((1 << 8 - self.count) - 1, 8 - self.count)


def bits_of(value):
    """The size of a value, and the bits that say it."""
    size = abs(value).bit_length()
    return size, value if value >= 0 else value + (1 << size) - 1


class Component:
    def __init__(self, ident, h, v, quant=0):
        self.ident, self.h, self.v, self.quant = ident, h, v, quant


class Picture:
    """Coefficients of all components: `blocks[c][y][x]` in zigzag order, with fill blocks."""

    def __init__(self, width, height, components):
        self.width, self.height, self.components = width, height, components
        self.max_h = max(c.h for c in components)
        self.max_v = max(c.v for c in components)
        self.columns = -(-width // (8 * self.max_h))
        self.rows = -(-height // (8 * self.max_v))
        self.blocks = [
            [[[0] * 64 for _ in range(self.columns * c.h)] for _ in range(self.rows * c.v)]
            for c in components
        ]

    def units(self, members):
        """The blocks of each unit of a scan: lists of (member, block)."""
        if len(members) == 1:
            c = self.components[members[0]]
            wide = -(-self.width * c.h // (8 * self.max_h))
            high = -(-self.height * c.v // (8 * self.max_v))
            for y in range(high):
                for x in range(wide):
                    yield [(0, self.blocks[members[0]][y][x])]
            return
        for row in range(self.rows):
            for column in range(self.columns):
                unit = []
                for m, index in enumerate(members):
                    c = self.components[index]
                    for y in range(c.v):
                        for x in range(c.h):
                            unit.append((m, self.blocks[index][row * c.v + y][column * c.h + x]))
                yield unit


class Scan:
    """A scan: sequential by default."""

    def __init__(self, members, first=0, last=63, high=0, low=0, progressive=False):
        self.members, self.first, self.last = members, first, last
        self.high, self.low, self.progressive = high, low, progressive

    def header(self, picture):
        body = bytes([len(self.members)])
        for member in self.members:
            slot = 0 if member == 0 else 1
            body += bytes([picture.components[member].ident, slot << 4 | slot])
        return segment(0xDA, body + bytes([self.first, self.last, self.high << 4 | self.low]))

    def data(self, picture, dc, ac, restart):
        bits = Bits()
        state = State(bits, dc, ac)
        out = bytearray()
        for number, unit in enumerate(picture.units(self.members)):
            if restart and number and number % restart == 0:
                state.end_run()
                bits.flush()
                out += bits.out + bytes([0xFF, 0xD0 + (number // restart - 1) % 8])
                bits.out.clear()
                bits.value = bits.count = 0
                state.previous = [0] * 4
            for member, block in unit:
                if not self.progressive:
                    state.dc(member, block[0])
                    state.ac(self.slot(member), block, 1, 63, 0)
                elif self.first == 0 and self.high == 0:
                    state.dc(member, block[0] >> self.low)
                elif self.first == 0:
                    bits.put(block[0] >> self.low & 1, 1)
                elif self.high == 0:
                    state.band(self.slot(0), block, self.first, self.last, self.low)
                else:
                    state.refine(self.slot(0), block, self.first, self.last, self.low)
        state.end_run()
        bits.flush()
        return bytes(out + bits.out)

    def slot(self, member):
        return 0 if self.members[member] == 0 else 1


class State:
    def __init__(self, bits, dc, ac):
        self.bits, self.dc_tables, self.ac_tables = bits, dc, ac
        self.previous = [0] * 4
        self.run, self.corrections, self.slot = 0, [], 0

    def symbol(self, table, symbol):
        self.bits.put(*table.codes[symbol])

    def dc(self, member, value):
        size, bits = bits_of(value - self.previous[member])
        self.previous[member] = value
        self.symbol(self.dc_tables[min(member, 1)], size)
        self.bits.put(bits, size)

    def ac(self, slot, block, first, last, low):
        zeros = 0
        for k in range(first, last + 1):
            value = (abs(block[k]) >> low) * (1 if block[k] > 0 else -1)
            if value == 0:
                zeros += 1
                continue
            self.end_run()
            while zeros > 15:
                self.symbol(self.ac_tables[slot], 0xF0)
                zeros -= 16
            size, bits = bits_of(value)
            self.symbol(self.ac_tables[slot], zeros << 4 | size)
            self.bits.put(bits, size)
            zeros = 0
        if zeros and low == 0 and first == 1 and last == 63 and not self.slot == "progressive":
            self.symbol(self.ac_tables[slot], 0)
        return zeros

    def band(self, slot, block, first, last, low):
        self.slot, self.table = "progressive", self.ac_tables[slot]
        if self.ac(slot, block, first, last, low):
            self.run += 1
            if self.run == 0x7FFF:
                self.end_run()

    def end_run(self):
        if self.run:
            size = self.run.bit_length() - 1
            self.symbol(self.table, size << 4)
            self.bits.put(self.run, size)
            for bit in self.corrections:
                self.bits.put(bit, 1)
        self.run, self.corrections = 0, []

    def refine(self, slot, block, first, last, low):
        self.slot, self.table = "progressive", self.ac_tables[slot]
        values = [abs(c) >> low for c in block]
        end = max((k for k in range(first, last + 1) if values[k] == 1), default=0)
        zeros, corrections = 0, []
        for k in range(first, last + 1):
            if values[k] == 0:
                zeros += 1
                continue
            while zeros > 15 and k <= end:
                self.end_run()
                self.symbol(self.table, 0xF0)
                zeros -= 16
                for bit in corrections:
                    self.bits.put(bit, 1)
                corrections = []
            if values[k] > 1:
                corrections.append(values[k] & 1)
                continue
            self.end_run()
            self.symbol(self.table, zeros << 4 | 1)
            self.bits.put(1 if block[k] > 0 else 0, 1)
            for bit in corrections:
                self.bits.put(bit, 1)
            zeros, corrections = 0, []
        if zeros or corrections:
            self.run += 1
            self.corrections += corrections
            if self.run == 0x7FFF or len(self.corrections) > 900:
                self.end_run()


def write(picture, scans, quant, restart=0, tables=None, extra=b"", arithmetic=False):
    """The file. `quant` is a list of tables in zigzag order; `extra` are segments."""
    dc, ac = tables or (
        [Table.flat(list(range(16)))] * 2,
        [Table.flat(list(range(256)))] * 2,
    )
    progressive = scans[0].progressive
    out = b"\xff\xd8" + extra
    for slot, values in enumerate(quant):
        wide = max(values) > 255
        body = struct.pack(">64H" if wide else ">64B", *values)
        out += segment(0xDB, bytes([wide << 4 | slot]) + body)
    body = struct.pack(">BHHB", 8, picture.height, picture.width, len(picture.components))
    for c in picture.components:
        body += bytes([c.ident, c.h << 4 | c.v, c.quant])
    out += segment((0xC2 if progressive else 0xC1) + 8 * arithmetic, body)
    for slot in range(2):
        out += segment(0xC4, dc[slot].body(0, slot) + ac[slot].body(1, slot))
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    for scan in scans:
        out += scan.header(picture)
        if arithmetic:
            out += jpeg_arithmetic.data(picture, scan, restart)
        else:
            out += scan.data(picture, dc, ac, restart)
    return out + b"\xff\xd9"
