//! Learning curves as a picture.

use burn_zoo_core::Error;
use plotters::coord::Shift;
use plotters::prelude::{
    BLUE, ChartBuilder, DrawingArea, IntoDrawingArea, IntoFont, LineSeries, PathElement, RED,
    RGBColor, SVGBackend, WHITE,
};
use plotters::style::Color;

use crate::report::EpochReport;

/// Width and height of one panel, in pixels.
const PANEL: (u32, u32) = (720, 320);

/// A line of a panel: its name, its colour and its points.
type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

/// The loss, and below it the accuracy where there is one, by epoch.
pub(super) fn svg(epochs: &[EpochReport]) -> Result<String, Error> {
    let points = |figure: fn(&EpochReport) -> Option<f64>| {
        // An axis must end somewhere.
        let value =
            |epoch: &EpochReport| figure(epoch).filter(|value| value.abs() < f64::from(f32::MAX));
        let point = |epoch: &EpochReport| Some((epoch.epoch as f64, value(epoch)?));
        epochs.iter().filter_map(point).collect::<Vec<_>>()
    };
    let losses = vec![
        ("training", BLUE, points(|epoch| Some(epoch.train_loss))),
        ("validation", RED, points(|epoch| epoch.valid_loss)),
    ];
    let top1 = vec![("validation", RED, points(|epoch| epoch.top1))];
    let mut panels = vec![("loss", losses), ("top-1, %", top1)];
    panels.retain(|(_, lines)| lines.iter().any(|(_, _, points)| !points.is_empty()));

    let mut text = String::new();
    let size = (PANEL.0, PANEL.1 * panels.len().max(1) as u32);
    let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = root.fill(&WHITE).map_err(|error| error.to_string());
    let drawn = drawn.and_then(|()| {
        let areas = root.split_evenly((panels.len().max(1), 1));
        for (area, (name, lines)) in areas.iter().zip(&panels) {
            panel(area, name, lines, epochs.len()).map_err(|error| error.to_string())?;
        }
        root.present().map_err(|error| error.to_string())
    });
    drop(root);
    match drawn {
        Ok(()) => Ok(text),
        Err(error) => Err(Error::Training {
            reason: format!("cannot draw the learning curves: {error}"),
        }),
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn panel(
    area: &Area<'_>,
    name: &str,
    lines: &[Line],
    epochs: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let values = || {
        lines
            .iter()
            .flat_map(|(_, _, points)| points.iter().map(|point| point.1))
    };
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    // A line that does not move lies in the middle.
    let room = ((high - low) * 0.05).max(1e-3);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(name, ("sans-serif", 16).into_font())
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d(1.0..(epochs.max(2) as f64), low - room..high + room)?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .x_labels(epochs.clamp(2, 12))
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    for (name, colour, points) in lines.iter().filter(|(_, _, points)| !points.is_empty()) {
        let series = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(2);
        let colour = *colour;
        chart
            .draw_series(series)?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart.configure_series_labels().border_style(WHITE).draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::epochs;

    #[test]
    fn both_panels_are_drawn_with_their_names_and_lines() {
        let text = svg(&epochs()).unwrap();
        assert!(
            text.starts_with("<svg width=\"720\" height=\"640\""),
            "{text}"
        );
        for part in ["loss", "top-1, %", "training", "validation", "<polyline"] {
            assert!(text.contains(part), "{part} is missing");
        }
        // Between the ends of the axis, which has some room, lies the training loss's middle.
        assert!(text.trim_end().ends_with("</svg>"));
    }

    /// An axis without end would be divided for ever.
    #[test]
    fn figures_that_are_no_numbers_are_left_out() {
        let mut epochs = epochs();
        epochs[0].valid_loss = Some(f64::INFINITY);
        epochs
            .iter_mut()
            .for_each(|epoch| epoch.top1 = Some(f64::NAN));
        let text = svg(&epochs).unwrap();
        assert!(text.contains("validation") && !text.contains("top-1"));
    }

    #[test]
    fn without_validation_there_is_one_panel() {
        let text = svg(&epochs()[..1]).unwrap();
        assert!(
            text.starts_with("<svg width=\"720\" height=\"320\""),
            "{text}"
        );
        assert!(!text.contains("top-1") && !text.contains("validation"));
    }
}
