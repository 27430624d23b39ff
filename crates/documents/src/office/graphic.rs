//! Charts and diagrams inside documents, slides and sheets: the words and figures that they were drawn from.

use super::Relation;
use crate::ReadError;
use crate::archive::Archive;
use crate::builder::{PageBuilder, folded};
use crate::xml::{El, Xml};
use hearth_domain::BlockKind;
use std::collections::HashMap;

/// Writes what the graphic in `data` (the element around a chart's or diagram's reference) was drawn from.
pub(super) fn write(
    archive: &Archive<'_>,
    relations: &HashMap<String, Relation>,
    data: El<'_>,
    page: &mut PageBuilder,
) -> Result<(), ReadError> {
    for el in data.children() {
        let id = match el.name() {
            "chart" => el.attr("id"),
            "relIds" => el.attr("dm"),
            _ => None,
        };
        let Some(relation) = id.and_then(|id| relations.get(id)) else { continue };
        let Some(bytes) = archive.get(&relation.target)? else { continue };
        let Ok(xml) = Xml::parse(&bytes) else { continue };
        match el.name() {
            "chart" => chart(&xml, page),
            _ => diagram_words(&xml).iter().for_each(|text| page.block(BlockKind::Item, text)),
        }
    }
    Ok(())
}

/// What the points of a diagram say.
pub(crate) fn diagram_words(xml: &Xml) -> Vec<String> {
    let bodies = xml.root().all("t").into_iter().filter(|el| el.child("p").is_some());
    let lines = |body: El<'_>| body.children().filter(|el| el.name() == "p").map(|el| el.text()).collect::<Vec<_>>();
    bodies.map(|body| folded(&lines(body).join(" "))).filter(|text| !text.is_empty()).collect()
}

/// A chart as a table: categories down, series across.
fn chart(xml: &Xml, page: &mut PageBuilder) {
    let chart = xml.root();
    let title =
        chart.path(&["chart", "title"]).map(|title| folded(&title.all("t").iter().map(El::text).collect::<String>()));
    if let Some(title) = title {
        page.block(BlockKind::Paragraph, &title);
    }
    let points = |el: Option<El<'_>>| -> Vec<(usize, String)> {
        let values = el.map(|el| el.all("pt")).unwrap_or_default();
        values
            .into_iter()
            .filter_map(|pt| Some((pt.attr("idx")?.parse().ok()?, folded(&pt.child("v")?.text()))))
            .filter(|(at, _)| *at < 5000)
            .collect()
    };
    let series = chart.all("ser");
    let mut header = vec![String::new()];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (column, one) in series.iter().enumerate().take(100) {
        let name = one.child("tx").map(|el| el.all("v").iter().map(El::text).collect::<String>());
        header.push(name.unwrap_or_default());
        let categories = points(one.child("cat").or(one.child("xVal")));
        let values = points(one.child("val").or(one.child("yVal")));
        for (text, at, column) in categories
            .into_iter()
            .map(|(at, text)| (text, at, 0))
            .chain(values.into_iter().map(|(at, text)| (text, at, column + 1)))
        {
            if rows.len() <= at {
                rows.resize(at + 1, Vec::new());
            }
            if let Some(row) = rows.get_mut(at) {
                if row.len() <= column {
                    row.resize(column + 1, String::new());
                }
                if let Some(cell) = row.get_mut(column) {
                    *cell = text;
                }
            }
        }
    }
    page.row(true, None, &header);
    for row in rows {
        page.row(false, None, &row);
    }
}
