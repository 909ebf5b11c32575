//! Pictures of what was measured, as SVG.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Most classes whose names stand at the axes and whose numbers stand in the cells.
const NAMED: usize = 25;

/// Side of the matrix, in the picture's units.
const SIDE: usize = 800;

/// Space for the names and titles at the left and at the bottom.
const MARGIN: usize = 180;

/// Space without anything in it.
const EDGE: usize = 20;

const FONT: &str = "sans-serif";

/// A confusion matrix as an SVG document: a row for each true class, a column for each first
/// guess, darker the larger the share of the row. With up to 25 classes the cells have their
/// numbers and the axes the names of the classes, their indices where `labels` has none.
///
/// # Errors
///
/// What the drawing library says; with a square matrix it has no reason to.
pub fn confusion(matrix: &[Vec<usize>], labels: &[Option<String>]) -> Result<String, String> {
    let mut svg = String::new();
    draw(&mut svg, matrix, labels).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    matrix: &[Vec<usize>],
    labels: &[Option<String>],
) -> Result<(), Box<dyn std::error::Error>> {
    let size = (MARGIN + SIDE + EDGE) as u32;
    let root = SVGBackend::with_string(svg, (size, size)).into_drawing_area();
    root.fill(&WHITE)?;
    let classes = matrix.len();
    // Whole units, so that neighbours touch.
    let at = |index: usize| (index * SIDE / classes.max(1)) as i32;
    let (left, top) = (MARGIN as i32, EDGE as i32);
    let cell = SIDE / classes.max(1);

    for (class, row) in matrix.iter().enumerate() {
        let images = row.iter().sum::<usize>().max(1);
        for (guess, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
            let share = count as f64 / images as f64;
            // White to a dark blue; one image of many is still to be seen.
            let fade = |dark: f64| (255.0 - (255.0 - dark) * (0.1 + 0.9 * share)) as u8;
            let corner = |row, column| (left + at(column), top + at(row));
            let area = [corner(class, guess), corner(class + 1, guess + 1)];
            let colour = RGBColor(fade(8.0), fade(48.0), fade(107.0));
            root.draw(&Rectangle::new(area, colour.filled()))?;
            if classes <= NAMED {
                let ink = if share > 0.5 { &WHITE } else { &BLACK };
                let style = text((cell / 3).min(24), ink, HPos::Center, VPos::Center);
                let middle = [0, 1].map(|axis: usize| {
                    let ends = [[area[0].0, area[1].0], [area[0].1, area[1].1]][axis];
                    (ends[0] + ends[1]) / 2
                });
                let count = count.to_string();
                root.draw(&Text::new(count, (middle[0], middle[1]), style))?;
            }
        }
    }
    let frame = [(left, top), (left + SIDE as i32, top + SIDE as i32)];
    root.draw(&Rectangle::new(frame, BLACK.stroke_width(1)))?;

    if classes <= NAMED {
        let named = |class: usize| {
            let label = labels.get(class).cloned().flatten();
            shortened(label.unwrap_or_else(|| class.to_string()))
        };
        let size = (cell / 2).clamp(8, 18);
        for class in 0..classes {
            let middle = at(class) + cell as i32 / 2;
            let style = text(size, &BLACK, HPos::Right, VPos::Center);
            root.draw(&Text::new(named(class), (left - 6, top + middle), style))?;
            let style =
                text(size, &BLACK, HPos::Right, VPos::Center).transform(FontTransform::Rotate270);
            let below = top + SIDE as i32 + 6;
            root.draw(&Text::new(named(class), (left + middle, below), style))?;
        }
    }
    let style = text(20, &BLACK, HPos::Center, VPos::Bottom);
    let middle = (left + SIDE as i32 / 2, size as i32 - 6);
    root.draw(&Text::new("first guess", middle, style.clone()))?;
    let style = text(20, &BLACK, HPos::Center, VPos::Top).transform(FontTransform::Rotate270);
    let middle = (6, top + SIDE as i32 / 2);
    root.draw(&Text::new("true class", middle, style))?;
    root.present()?;
    Ok(())
}

/// Letters of a size, and where they stand to their place.
fn text(size: usize, colour: &RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'_> {
    TextStyle::from((FONT, size as i32).into_font())
        .color(colour)
        .pos(Pos::new(horizontal, vertical))
}

/// What the margin has room for.
fn shortened(name: String) -> String {
    const MOST: usize = 18;
    if name.chars().count() <= MOST {
        return name;
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(svg: &str, what: &str) -> usize {
        svg.matches(what).count()
    }

    #[test]
    fn a_small_matrix_has_names_and_numbers() {
        let matrix = [vec![8, 2, 0], vec![0, 5, 0], vec![0, 0, 0]];
        let labels = [Some("cat & dog".to_owned()), None, Some("a".repeat(30))];
        let svg = confusion(&matrix, &labels).unwrap();
        // The background, three cells that are not empty, the frame.
        assert_eq!(count(&svg, "<rect"), 5, "{svg}");
        // Three numbers, twice three names, two titles.
        assert_eq!(count(&svg, "<text"), 11, "{svg}");
        assert_eq!(count(&svg, "cat &amp; dog"), 2, "{svg}");
        assert_eq!(count(&svg, &format!("{}…", "a".repeat(17))), 2, "{svg}");
        // All of the row: the dark blue itself.
        assert_eq!(count(&svg, "#08306B"), 1, "{svg}");
    }

    #[test]
    fn a_large_matrix_has_only_cells() {
        let matrix: Vec<Vec<usize>> = (0..1000)
            .map(|class| (0..1000).map(|guess| usize::from(class == guess)).collect())
            .collect();
        let svg = confusion(&matrix, &[]).unwrap();
        assert_eq!((count(&svg, "<rect"), count(&svg, "<text")), (1002, 2));
    }
}
