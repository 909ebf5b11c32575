//! A bar chart as an SVG document.

use anyhow::{Result, anyhow};
use plotters::prelude::{
    BLACK, Color as _, EmptyElement, IntoDrawingArea as _, IntoFont as _, PathElement, RGBColor,
    Rectangle, SVGBackend, Text, WHITE,
};

/// Sizes in pixels.
const WIDTH: u32 = 720;
const ROW: u32 = 44;
const TOP: u32 = 48;
const LEFT: i32 = 130;
const RIGHT: i32 = 130;
const BAR: RGBColor = RGBColor(70, 120, 180);

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// Written to its left.
    pub(crate) name: String,
    /// Its length and that of its whisker, or why there is none.
    pub(crate) value: Result<(f64, f64), String>,
}

/// Horizontal bars from zero, with a whisker, on a common scale, below a title.
pub(crate) fn draw(title: &str, bars: &[Bar]) -> Result<String> {
    let mut svg = String::new();
    let height = TOP + ROW * bars.len() as u32 + 12;
    let longest = bars.iter().filter_map(|bar| bar.value.as_ref().ok());
    let longest = longest
        .map(|(value, whisker)| value.max(*whisker))
        .fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(WIDTH as i32 - LEFT - RIGHT);
    let x = |value: f64| LEFT + (room * value / longest).round() as i32;
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let failed = |error| anyhow!("cannot draw the chart: {error}");
        let text = |text: String, at: (i32, i32), size: i32| {
            EmptyElement::at(at) + Text::new(text, (0, 0), ("sans-serif", size).into_font())
        };
        area.fill(&WHITE).map_err(failed)?;
        area.draw(&text(title.to_owned(), (12, 14), 18))
            .map_err(failed)?;
        for (row, bar) in bars.iter().enumerate() {
            let top = (TOP + ROW * row as u32) as i32;
            area.draw(&text(bar.name.clone(), (12, top + 8), 15))
                .map_err(failed)?;
            match &bar.value {
                Err(reason) => {
                    let reason: String = reason.chars().take(80).collect();
                    area.draw(&text(reason, (LEFT, top + 8), 12))
                        .map_err(failed)?;
                }
                Ok((value, whisker)) => {
                    let corners = [(LEFT, top + 4), (x(*value), top + 28)];
                    area.draw(&Rectangle::new(corners, BAR.filled()))
                        .map_err(failed)?;
                    let line = vec![(x(*value), top + 16), (x(*whisker), top + 16)];
                    area.draw(&PathElement::new(line, BLACK)).map_err(failed)?;
                    let end = x(value.max(*whisker)) + 6;
                    let label = format!("{value:.2} (p95 {whisker:.2})");
                    area.draw(&text(label, (end, top + 9), 13))
                        .map_err(failed)?;
                }
            }
        }
        area.present().map_err(failed)?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_of_half_the_value_has_half_the_length_and_a_failure_its_reason() {
        let bar = |name: &str, value| Bar {
            name: name.to_owned(),
            value,
        };
        let bars = [
            bar("flex", Ok((4.0, 8.0))),
            bar("wgpu", Ok((8.0, 8.0))),
            bar("cuda", Err("no <driver>".to_owned())),
        ];
        let svg = draw("resnet18", &bars).unwrap();
        let widths: Vec<u32> = svg
            .split("<rect ")
            .skip(2) // The document's start and its white ground.
            .map(|rect| {
                let width = rect.split("width=\"").nth(1).unwrap();
                width.split('"').next().unwrap().parse().unwrap()
            })
            .collect();
        assert_eq!(widths, [230, 460], "{svg}");
        for part in ["resnet18", "4.00 (p95 8.00)", "no &lt;driver&gt;"] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
    }
}
