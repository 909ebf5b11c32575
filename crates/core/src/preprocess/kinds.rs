//! Identifies unsupported files by their first bytes.

/// Advice for an image of another format.
const SAVE: &str = "save it as JPEG or PNG";

/// Magic bytes, name and advice. If one row's bytes are a prefix of another's, the longer comes first.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image", SAVE),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream", SAVE),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image", SAVE),
    (b"\xff\x0a", "a JPEG XL codestream", SAVE),
    (b"8BPS", "a Photoshop document", SAVE),
    (b"gimp xcf", "a GIMP document", SAVE),
    (b"DDS ", "a DirectDraw surface", SAVE),
    (b"qoif", "a QOI image", SAVE),
    (b"farbfeld", "a farbfeld image", SAVE),
    (b"icns", "a macOS icon", SAVE),
    (b"\0\0\x02\0", "a Windows cursor", SAVE),
    (b"\x76\x2f\x31\x01", "an OpenEXR image", SAVE),
    (b"#?RADIANCE", "a Radiance HDR image", SAVE),
    (b"#?RGBE", "a Radiance HDR image", SAVE),
    (b"\x0a\x05\x01", "a PCX image", SAVE),
    (b"\x01\xda", "an SGI image", SAVE),
    (b"SIMPLE  =", "a FITS image", SAVE),
    (b"/* XPM */", "an X pixmap", SAVE),
    (b"#define ", "an X bitmap", SAVE),
    (b"P7\n", "a PAM image", SAVE),
    (b"PF\n", "a floating-point PFM image", SAVE),
    (b"Pf\n", "a floating-point PFM image", SAVE),
    (b"%PDF", "a PDF document", "save its images as JPEG or PNG"),
    (b"%!PS", "a PostScript document", SAVE),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", SAVE),
    (b"II*\0\x10\0\0\0CR", "a camera raw file (CR2)", SAVE),
    (b"FUJIFILMCCD-RAW", "a camera raw file (RAF)", SAVE),
    (b"IIRO", "a camera raw file (ORF)", SAVE),
    (b"IIRS", "a camera raw file (ORF)", SAVE),
    (b"MMOR", "a camera raw file (ORF)", SAVE),
    (b"IIU\0", "a camera raw file (RW2)", SAVE),
    (b"FOVb", "a camera raw file (X3F)", SAVE),
    (b"\0MRM", "a camera raw file (MRW)", SAVE),
    (
        b"\0\x05\x16\x07",
        "an AppleDouble file, which macOS keeps next to an image",
        "give the image itself",
    ),
    (
        b"version https://git-lfs",
        "a Git LFS pointer",
        "run `git lfs pull` to fetch the image",
    ),
    (b"\x93NUMPY", "a NumPy array", SAVE),
    (b"\x89HDF", "an HDF5 file", "save its images as PNG"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (
        b"\x1a\x45\xdf\xa3",
        "a Matroska video",
        "save a frame of it as PNG",
    ),
];

/// Brands of the ISO base media format (the four bytes after `ftyp`), name and advice.
const BRANDS: &[(&[u8], &str, &str)] = &[
    (
        b"avif",
        AVIF,
        "build with the feature avif, or save it as JPEG or PNG",
    ),
    (b"avis", "an AVIF sequence", SAVE),
    (b"heic", "a HEIC image", SAVE),
    (b"heix", "a HEIC image", SAVE),
    (b"hevc", "a HEIC image", SAVE),
    (b"hevx", "a HEIC image", SAVE),
    (b"heim", "a HEIC image", SAVE),
    (b"heis", "a HEIC image", SAVE),
    (b"mif1", "a HEIF image", SAVE),
    (b"msf1", "a HEIF image", SAVE),
    (b"crx ", "a camera raw file (CR3)", SAVE),
];

const AVIF: &str = "an AVIF image";

/// Number of bytes of text to look at.
const TEXT: usize = 1024;

/// The error for unsupported bytes: their format and advice, or the list of supported formats.
pub(super) fn refusal(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return "the file holds nothing but zeros; copy or fetch it again".to_owned();
    }
    match known(bytes) {
        Some((what, hint)) => format!("it is {what}, which cannot be read; {hint}"),
        None => {
            "its format is unknown; supported are jpeg, png, webp, bmp, gif, tiff, ppm, tga and \
                 ico"
            .to_owned()
        }
    }
}

/// Whether the bytes begin like an AVIF image.
#[cfg(feature = "avif")]
pub(super) fn is_avif(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ftyp") && media(bytes).0 == AVIF
}

fn known(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let begins = |(magic, what, hint): &(&[u8], &'static str, &'static str)| {
        bytes.starts_with(magic).then_some((*what, *hint))
    };
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(media(bytes));
    }
    if bytes.get(128..132) == Some(b"DICM") {
        return Some(("a DICOM file", "save it as PNG"));
    }
    MAGIC.iter().find_map(begins).or_else(|| markup(bytes))
}

/// The row of the major brand, or of the first known compatible brand.
fn media(bytes: &[u8]) -> (&'static str, &'static str) {
    let compatible = bytes.get(16..).unwrap_or_default();
    let length = usize::from(bytes[3])
        .saturating_sub(16)
        .min(compatible.len());
    let brands = bytes.get(8..12).into_iter();
    let mut brands = brands.chain(compatible[..length].chunks_exact(4));
    // The major brand may be generic, with the specific one among the compatible brands.
    let general = [b"mif1", b"msf1"];
    let is_general = |brand: &[u8]| general.iter().any(|it| brand == *it);
    let of = |brand: &[u8]| BRANDS.iter().find(|(known, ..)| *known == brand);
    let special = brands
        .clone()
        .filter(|brand| !is_general(brand))
        .find_map(of);
    match special.or_else(|| brands.find_map(of)) {
        Some((_, what, hint)) => (what, hint),
        None => ("a video (MP4 or QuickTime)", "save a frame of it as PNG"),
    }
}

fn markup(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        return None;
    }
    if text.contains("<svg") {
        return Some(("an SVG drawing", "render it to PNG"));
    }
    if text.contains("<html") || text.starts_with("<!doctype html") {
        return Some(("a web page", "use the URL of the image itself"));
    }
    Some(("an XML document", SAVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_for_what_it_is() {
        let dicom = [&[0; 128][..], b"DICM"].concat();
        for (bytes, name) in [
            (&b""[..], "the file is empty"),
            (&[0; 64], "nothing but zeros"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC image"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "an AVIF image"),
            (b"\0\0\0\x14ftypmif1\0\0\0\0mif1", "a HEIF image"),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "(CR3)"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video"),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
            (b"%PDF-1.7", "a PDF document"),
            (b"<?xml version=\"1.0\"?>\n<svg>", "an SVG drawing"),
            (b"\n<!DOCTYPE html>", "a web page"),
            (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "an AppleDouble file"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "a Git LFS pointer",
            ),
            (&dicom, "a DICOM file"),
            (
                b"not a picture",
                "its format is unknown; supported are jpeg",
            ),
            (b"\0", "nothing but zeros"),
            (b"\0\0\0\x18ftyp", "a video"),
        ] {
            let message = refusal(bytes);
            assert!(
                message.contains(name),
                "{}: {message}",
                bytes.escape_ascii()
            );
        }
    }
}
