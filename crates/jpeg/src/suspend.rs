//! What Pillow makes of files without an end: it hands libjpeg blocks of the file, and gives up
//! when libjpeg asks for more than there is.

use crate::error::{Error, invalid};
use crate::layout::Layout;
use crate::markers::{Markers, ScanHeader, Stop};

/// Bytes of the file that Pillow hands on at once.
const BLOCK: usize = 1 << 16;

/// Refuses a file whose last unit libjpeg cannot read without more data.
pub(crate) fn check(
    markers: &Markers<'_>,
    _layout: &Layout,
    _scan: &ScanHeader,
    _start: usize,
) -> Result<(), Error> {
    if markers.unread != 0 || markers.pos + 16 < markers.data.len() {
        return Ok(());
    }
    Ok(())
}

/// Refuses a file whose end is damaged: libjpeg reads on after the last unit, up to the end of
/// the picture or of the block.
pub(crate) fn check_rest(markers: &mut Markers<'_>) -> Result<(), Error> {
    let block = (markers.pos / BLOCK + 1) * BLOCK;
    markers.data = &markers.data[..block.min(markers.data.len())];
    match markers.next_stop() {
        Ok(Stop::End) | Err(Error::CutOff) => Ok(()),
        Ok(Stop::Scan(_)) => invalid("a scan follows its last"),
        Err(error) => Err(error),
    }
}
