//! Finds the primary image in an AVIF file (ISO/IEC 14496-12 and 23008-12).

/// The AV1 data of an image, and its properties in the file.
#[derive(Debug)]
pub(super) struct Still {
    pub(super) data: Vec<u8>,
    /// Height and width, from the file.
    pub(super) size: [usize; 2],
    /// Matrix coefficients (ITU-T H.273) and whether the range is full, if the file gives them; otherwise the AV1 data
    /// decide.
    pub(super) colors: Option<(u8, bool)>,
}

/// The primary image. An error says why there is none.
pub(super) fn still(bytes: &[u8]) -> Result<Still, String> {
    let broken = || "its boxes are broken or cut off".to_owned();
    let meta = child(bytes, b"meta").and_then(|body| body.get(4..));
    let meta =
        meta.ok_or("it is an AVIF sequence without a still image; save a frame of it as PNG")?;
    let primary = primary(meta).ok_or_else(broken)?;
    match kind(meta, primary).ok_or_else(broken)? {
        b"av01" => {}
        b"grid" => {
            return Err(
                "it is a tiled AVIF image, which is not supported; save it as PNG".to_owned(),
            );
        }
        _ => return Err("its primary image is not AV1".to_owned()),
    }
    let properties = child(meta, b"iprp").ok_or_else(broken)?;
    let container = child(properties, b"ipco").ok_or_else(broken)?;
    let own = associated(properties, primary).ok_or_else(broken)?;
    let (mut size, mut colors) = (None, None);
    for (index, (name, body)) in Boxes(container).enumerate() {
        if !own.contains(&(index as u64 + 1)) {
            continue;
        }
        let mut body = Reader(body);
        match name {
            b"ispe" => {
                body.number(4);
                size = body.number(4).zip(body.number(4));
            }
            b"colr" if body.0.starts_with(b"nclx") => {
                body.number(8);
                colors = body.number(2).zip(body.number(1));
            }
            _ => {}
        }
    }
    let (width, height) = size.ok_or_else(broken)?;
    let data = data(bytes, meta, primary).filter(|data| !data.is_empty());
    Ok(Still {
        data: data.ok_or_else(broken)?,
        size: [height as usize, width as usize],
        colors: colors.map(|(matrix, range)| (matrix as u8, range & 0x80 != 0)),
    })
}

fn primary(meta: &[u8]) -> Option<u64> {
    let mut body = Reader(child(meta, b"pitm")?);
    let version = body.number(4)? >> 24;
    body.number(if version == 0 { 2 } else { 4 })
}

/// The type of an item.
fn kind(meta: &[u8], item: u64) -> Option<&[u8]> {
    let mut body = Reader(child(meta, b"iinf")?);
    let version = body.number(4)? >> 24;
    body.number(if version == 0 { 2 } else { 4 })?;
    Boxes(body.0).find_map(|(_, entry)| {
        let mut entry = Reader(entry);
        let version = entry.number(4)? >> 24;
        let found = entry.number(if version < 3 { 2 } else { 4 })?;
        entry.number(2)?;
        (found == item).then(|| entry.0.get(..4)).flatten()
    })
}

/// The indices of an item's properties, counted from 1.
fn associated(properties: &[u8], item: u64) -> Option<Vec<u64>> {
    let mut body = Reader(child(properties, b"ipma")?);
    let head = body.number(4)?;
    let (version, wide) = (head >> 24, head & 1 == 1);
    for _ in 0..body.number(4)? {
        let found = body.number(if version == 0 { 2 } else { 4 })?;
        let count = body.number(1)?;
        let index = |_| match wide {
            true => body.number(2).map(|index| index & 0x7fff),
            false => body.number(1).map(|index| index & 0x7f),
        };
        let indices: Vec<u64> = (0..count).map(index).collect::<Option<_>>()?;
        if found == item {
            return Some(indices);
        }
    }
    None
}

/// The data of an item, from the file or the box `idat`.
fn data(bytes: &[u8], meta: &[u8], item: u64) -> Option<Vec<u8>> {
    let mut body = Reader(child(meta, b"iloc")?);
    let version = body.number(4)? >> 24;
    let sizes = body.number(2)?;
    let [offset, length, base, index] = [12, 8, 4, 0].map(|shift| (sizes >> shift & 0xf) as usize);
    for _ in 0..body.number(if version < 2 { 2 } else { 4 })? {
        let found = body.number(if version < 2 { 2 } else { 4 })?;
        let method = if version == 0 {
            0
        } else {
            body.number(2)? & 0xf
        };
        body.number(2)?;
        let start = body.number(base)?;
        let source = match method {
            0 => bytes,
            1 => child(meta, b"idat")?,
            _ => return None,
        };
        let mut whole = Vec::new();
        for _ in 0..body.number(2)? {
            if version > 0 {
                body.number(index)?;
            }
            let first = usize::try_from(start.checked_add(body.number(offset)?)?).ok()?;
            let count = usize::try_from(body.number(length)?).ok()?;
            if found == item {
                whole.extend_from_slice(source.get(first..first.checked_add(count)?)?);
            }
            // Extents may overlap, but an image is never larger than its file.
            if whole.len() > bytes.len() {
                return None;
            }
        }
        if found == item {
            return Some(whole);
        }
    }
    None
}

/// The body of the first box of a kind.
fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes(bytes).find_map(|(found, body)| (found == kind).then_some(body))
}

/// Iterates over boxes: their types and bodies.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = Reader(self.0);
        let size = reader.number(4)?;
        let kind = reader.0.get(..4)?;
        reader.number(4)?;
        let (head, size) = match size {
            0 => (8, self.0.len()),
            1 => (16, usize::try_from(reader.number(8)?).ok()?),
            _ => (8, usize::try_from(size).ok()?),
        };
        let body = self.0.get(head..size)?;
        self.0 = &self.0[size..];
        Some((kind, body))
    }
}

/// Reads big-endian numbers.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self, length: usize) -> Option<u64> {
        let (digits, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(
            digits
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    }
}
