//! Whether a glyph is bold or monospaced, by its font's own word where it has one and by its ink where it has none.

use hayro::hayro_interpret::font::{GlyphIdentifier, OutlineGlyph};
use hayro::kurbo::Shape;
use std::collections::HashMap;

/// Stem widths already measured, kept across the pages of one document.
#[derive(Default)]
pub(super) struct Weights {
    ink: HashMap<GlyphIdentifier, bool>,
    named: HashMap<u128, (bool, bool)>,
}

impl Weights {
    /// (bold, monospaced) of the font that `glyph` belongs to.
    pub(super) fn style(&mut self, glyph: &OutlineGlyph) -> (bool, bool) {
        if let Some(data) = glyph.font_data() {
            return *self.named.entry(data.cache_key).or_insert_with(|| {
                let name = data.postscript_name.as_deref().unwrap_or_default().to_ascii_lowercase();
                let bold = data.weight.is_some_and(|weight| weight >= 600)
                    || ["bold", "black", "heavy", "semibd", "demi"].iter().any(|word| name.contains(word));
                let mono = data.is_monospace || ["mono", "courier", "consol"].iter().any(|word| name.contains(word));
                (bold, mono)
            });
        }
        let identifier = glyph.identifier();
        if let Some(bold) = self.ink.get(&identifier) {
            return (*bold, false);
        }
        // A glyph's area over half its perimeter is about the width of its strokes: some 70 to 95 units of 1000
        // in regular faces, 120 to 170 in bold ones.
        let outline = glyph.outline();
        let (area, perimeter) = (outline.area().abs(), outline.perimeter(1.0));
        let bold = perimeter > 1.0 && area / (perimeter / 2.0) > 108.0;
        self.ink.insert(identifier, bold);
        (bold, false)
    }
}
