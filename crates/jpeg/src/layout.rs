//! The order of blocks in a scan (ITU-T T.81, section A.2).

use crate::error::Error;
use crate::frame::Frame;
use crate::markers::ScanHeader;

/// The units of a scan. Several components interleave their blocks; a single component has one block
/// per unit, and only those that belong to the image.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Units per row, and rows of units.
    pub(crate) wide: usize,
    pub(crate) high: usize,
    /// The blocks of a unit.
    pub(crate) blocks: Vec<Place>,
    /// Rows of units per row of interleaved units.
    pub(crate) rows_per_unit_row: usize,
}

/// A block of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Index of its component in the scan, and in the frame.
    pub(crate) member: usize,
    pub(crate) component: usize,
    /// Blocks of the component per unit, across and down.
    step: [usize; 2],
    /// The block's position among those.
    offset: [usize; 2],
}

impl Place {
    /// Column and row of the block in a unit.
    #[inline(always)]
    pub(crate) fn of(&self, column: usize, row: usize) -> [usize; 2] {
        [
            column * self.step[0] + self.offset[0],
            row * self.step[1] + self.offset[1],
        ]
    }
}

impl Layout {
    pub(crate) fn new(frame: &Frame, scan: &ScanHeader) -> Result<Self, Error> {
        if let [member] = scan.members[..] {
            let component = &frame.components[member.component];
            return Ok(Self {
                wide: component.blocks_wide,
                high: component.blocks_high,
                blocks: vec![Place {
                    member: 0,
                    component: member.component,
                    step: [1, 1],
                    offset: [0, 0],
                }],
                rows_per_unit_row: component.v,
            });
        }
        let members: Vec<usize> = scan.members.iter().map(|m| m.component).collect();
        frame.check_unit(&members)?;
        let mut blocks = Vec::new();
        for (member, &index) in members.iter().enumerate() {
            let component = &frame.components[index];
            for y in 0..component.v {
                for x in 0..component.h {
                    blocks.push(Place {
                        member,
                        component: index,
                        step: [component.h, component.v],
                        offset: [x, y],
                    });
                }
            }
        }
        Ok(Self {
            wide: frame.unit_columns,
            high: frame.unit_rows,
            blocks,
            rows_per_unit_row: 1,
        })
    }
}
