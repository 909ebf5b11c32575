//! Decodes a file to pixels.

use crate::arithmetic::Arithmetic;
use crate::coefficients::Coefficients;
use crate::color::Space;
use crate::entropy::{Coded, Huffman, Presence};
use crate::error::{Error, invalid};
use crate::frame::{Entropy, Frame, Order};
use crate::huffman::Spec;
use crate::idct;
use crate::layout::Layout;
use crate::markers::{Markers, ScanHeader, Stop};
use crate::output::Output;
use crate::passes::{self, Budget, Target};
use crate::progress::Progress;
use crate::smooth::{self, Smoother};
use crate::suspend;
use crate::tables::default_tables;
use crate::{Color, Image, Limits};

/// Decodes an image. See the crate root for the supported formats.
pub(crate) fn decode(bytes: &[u8], limits: Limits) -> Result<Image, Error> {
    let mut markers = Markers::new(bytes);
    let (mut frame, space, scan) = open(&mut markers)?;
    // In 64 bits, because the dimensions alone may overflow 32.
    let size = frame.width as u64 * frame.height as u64 * space.channels() as u64;
    if size > limits.pixel_bytes as u64 {
        return Err(Error::TooLarge {
            width: frame.width,
            height: frame.height,
            limit: limits.pixel_bytes,
        });
    }
    if frame.coding.order == Order::Sequential {
        add_default_tables(&mut markers);
    }
    let whole = scan.members.len() == frame.components.len();
    let pixels = if whole && frame.coding.order == Order::Sequential {
        latch(&mut frame, &markers, &scan)?;
        single(&mut markers, &frame, &scan, space)?
    } else {
        several(&mut markers, &mut frame, scan, space)?
    };
    Ok(Image {
        width: frame.width,
        height: frame.height,
        color: color(space),
        pixels,
    })
}

/// Reads up to the first scan.
pub(crate) fn open(markers: &mut Markers<'_>) -> Result<(Frame, Space, ScanHeader), Error> {
    let scan = match markers.next_stop()? {
        Stop::Scan(scan) => scan,
        Stop::End => return invalid("it ends before the image begins"),
    };
    let Some(frame) = markers.frame.clone() else {
        return invalid("it has no frame header");
    };
    let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
    let space = Space::of(markers, &ids);
    Ok((frame, space, scan))
}

pub(crate) fn color(space: Space) -> Color {
    match space {
        Space::Gray => Color::Gray,
        Space::Ycc | Space::Rgb => Color::Rgb,
        Space::Cmyk | Space::Ycck => Color::Cmyk,
    }
}

/// Stores the quantization tables of a scan's components; the first scan of each component counts.
fn latch(frame: &mut Frame, markers: &Markers<'_>, scan: &ScanHeader) -> Result<(), Error> {
    for member in &scan.members {
        let component = &mut frame.components[member.component];
        if component.quant.is_none() {
            component.quant = match markers.quant.get(component.quant_slot) {
                Some(Some(table)) => Some(*table),
                _ => {
                    let slot = component.quant_slot;
                    return invalid(format!("quantization table {slot} is missing"));
                }
            };
        }
    }
    Ok(())
}

fn add_default_tables(markers: &mut Markers<'_>) {
    let (dc, ac) = default_tables();
    let fill = |slots: &mut [Option<Spec>; 4], defaults: [Spec; 2]| {
        for (slot, default) in slots.iter_mut().zip(defaults) {
            slot.get_or_insert(default);
        }
    };
    fill(&mut markers.dc, dc);
    fill(&mut markers.ac, ac);
}

/// Decodes a sequential single-scan file block by block.
fn single(
    markers: &mut Markers<'_>,
    frame: &Frame,
    scan: &ScanHeader,
    space: Space,
) -> Result<Vec<u8>, Error> {
    let layout = Layout::new(frame, scan)?;
    let mut output = Output::new(frame, space)?;
    let start = markers.pos;
    match frame.coding.entropy {
        Entropy::Huffman => {
            let mut coded = Huffman::new(markers, scan)?;
            read_through(&mut coded, &layout, &mut output)?;
            (markers.pos, markers.unread) = (coded.bits.pos, coded.bits.marker);
            suspend::check(markers, &layout, scan, start)?;
        }
        Entropy::Arithmetic => {
            let mut coded = Arithmetic::new(markers, scan);
            read_through(&mut coded, &layout, &mut output)?;
            (markers.pos, markers.unread) = coded.end();
        }
    }
    suspend::check_rest(markers)?;
    Ok(output.into_pixels())
}

fn read_through(
    coded: &mut impl Coded,
    layout: &Layout,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    for row in 0..layout.high {
        for column in 0..layout.wide {
            let presence = coded.begin_unit()?;
            for place in &layout.blocks {
                let mut block = [0; 64];
                let places = match presence {
                    Presence::There => coded.block(place.member, &mut block),
                    Presence::Missing => 0,
                };
                output.block(place.component, place.of(column, row), &block, places);
            }
            coded.end_unit()?;
        }
        let unit_row = row / layout.rows_per_unit_row;
        if (row + 1) % layout.rows_per_unit_row == 0 || row + 1 == layout.high {
            output.end_unit_row(unit_row);
        }
    }
    Ok(())
}

/// Decodes a multi-scan file: reads all coefficients before the first pixel.
fn several(
    markers: &mut Markers<'_>,
    frame: &mut Frame,
    first: ScanHeader,
    space: Space,
) -> Result<Vec<u8>, Error> {
    let mut coefficients = frame
        .components
        .iter()
        .map(Coefficients::new)
        .collect::<Result<Vec<_>, _>>()?;
    let mut progress = Progress::new(frame.components.len());
    let mut budget = Budget::new(frame.blocks(), markers.data.len());
    let mut scan = first;
    loop {
        latch(frame, markers, &scan)?;
        if frame.coding.order == Order::Progressive {
            progress.begin(&scan);
        }
        let layout = Layout::new(frame, &scan)?;
        let mut target = Target {
            coefficients: &mut coefficients,
            progress: &mut progress,
            budget: &mut budget,
        };
        passes::read(markers, frame.coding, &scan, &layout, &mut target)?;
        match markers.next_stop()? {
            Stop::Scan(next) => scan = next,
            Stop::End => break,
        }
    }
    render(frame, &coefficients, &progress, space)
}

fn render(
    frame: &Frame,
    coefficients: &[Coefficients],
    progress: &Progress,
    space: Space,
) -> Result<Vec<u8>, Error> {
    let smooth = frame.coding.order == Order::Progressive && smooth::applies(frame, progress);
    let mut output = Output::new(frame, space)?;
    for unit_row in 0..frame.unit_rows {
        for (index, (component, coefficients)) in
            frame.components.iter().zip(coefficients).enumerate()
        {
            let known = progress.known(index, unit_row);
            let smoother = Smoother {
                component,
                coefficients,
                unit_rows: frame.unit_rows,
            };
            let first = unit_row * component.v;
            for y in first..(first + component.v).min(component.blocks_high) {
                let rows = smoother.rows(y);
                for x in 0..component.blocks_wide {
                    let guessed = smooth.then(|| smoother.block(rows, x, &known)).flatten();
                    let block = guessed.as_ref().unwrap_or_else(|| coefficients.block(x, y));
                    output.block(index, [x, y], block, idct::places(block));
                }
            }
        }
        output.end_unit_row(unit_row);
    }
    Ok(output.into_pixels())
}
