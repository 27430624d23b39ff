//! Glyphs of a page in page coordinates, gathered while hayro interprets it. No layout is decided here.

use super::weight::Weights;
use hayro::hayro_interpret::font::{Glyph as FontGlyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::hayro_syntax::object::dict::keys::ACTUAL_TEXT;
use hayro::hayro_interpret::hayro_syntax::object::{self, Dict};
use hayro::hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};
use hayro::kurbo::{BezPath, Point};
use std::collections::HashMap;

/// Drawing operations one document may ask for; nested forms can ask for billions.
pub(super) const MAX_OPERATIONS: u64 = 40_000_000;
/// Glyphs one page may hold.
const MAX_PAGE_GLYPHS: usize = 400_000;

/// Thrown (without a panic message) out of the interpreter when a page asks for too much.
pub(super) struct Overflow;

/// Which way a line of text runs on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Upright,
    /// Reads upwards.
    Up,
    /// Reads downwards.
    Down,
    UpsideDown,
    Slanted,
}

/// One glyph with its text. Coordinates are points, turned so that its line runs to the right and y grows downwards.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) text: GlyphText,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) baseline: f32,
    pub(super) size: f32,
    pub(super) turn: Turn,
    pub(super) bold: bool,
    pub(super) mono: bool,
    pub(super) artifact: bool,
}

/// What a glyph stands for: mostly one character.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GlyphText {
    Char(char),
    Many(Box<str>),
}

impl GlyphText {
    pub(super) fn push_to(&self, out: &mut String) {
        match self {
            Self::Char(c) => out.push(*c),
            Self::Many(text) => out.push_str(text),
        }
    }

    pub(super) fn first(&self) -> char {
        match self {
            Self::Char(c) => *c,
            Self::Many(text) => text.chars().next().unwrap_or(' '),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Char(_) => 1,
            Self::Many(text) => text.len(),
        }
    }
}

/// Replacement text of a marked sequence.
struct Marked {
    /// `Some` until its first glyph has taken it.
    actual: Option<String>,
    replaces: bool,
    artifact: bool,
}

/// A device that keeps text and forgets pictures.
pub(super) struct Collector<'w> {
    pub(super) glyphs: Vec<Glyph>,
    /// Pictures drawn; a page with pictures and no glyphs was scanned.
    pub(super) images: u32,
    /// Glyphs that name no character.
    pub(super) unknown: u32,
    pub(super) operations: u64,
    size_pt: (f32, f32),
    marked: Vec<Marked>,
    weights: &'w mut Weights,
    seen: HashMap<(char, i32, i32), (f32, f32)>,
}

impl<'w> Collector<'w> {
    pub(super) fn new(size_pt: (f32, f32), operations: u64, weights: &'w mut Weights) -> Self {
        Self {
            glyphs: Vec::new(),
            images: 0,
            unknown: 0,
            operations,
            size_pt,
            marked: Vec::new(),
            weights,
            seen: HashMap::new(),
        }
    }

    fn count(&mut self, operations: u64) {
        self.operations += operations;
        if self.operations > MAX_OPERATIONS || self.glyphs.len() > MAX_PAGE_GLYPHS {
            std::panic::resume_unwind(Box::new(Overflow));
        }
    }

    /// Whether the same glyph already stands here (bold faked by drawing twice, shadows).
    fn is_again(&mut self, c: char, x: f32, y: f32, size: f32) -> bool {
        let cell = (size * 0.5).max(0.5);
        let key = |dx: f32, dy: f32| (c, ((x + dx) / cell).floor() as i32, ((y + dy) / cell).floor() as i32);
        let near = size * 0.12;
        for (dx, dy) in [(-near, -near), (near, -near), (-near, near), (near, near)] {
            if let Some((other_x, other_y)) = self.seen.get(&key(dx, dy))
                && (other_x - x).abs() < near
                && (other_y - y).abs() < near
            {
                return true;
            }
        }
        self.seen.insert(key(0.0, 0.0), (x, y));
        false
    }

    fn place(&mut self, text: GlyphText, origin: Point, end: Point, up: Point, bold: bool, mono: bool) {
        let size = (up - origin).hypot() as f32;
        let across = end - origin;
        let numbers = [origin.x, origin.y, end.x, end.y];
        if !(0.5..2000.0).contains(&size) || numbers.iter().any(|n| !n.is_finite() || n.abs() > 1e5) {
            return;
        }
        let (width, height) = self.size_pt;
        let (x, y) = (origin.x as f32, origin.y as f32);
        if x < -size || y < -size || x > width + size || y > height + size {
            return;
        }
        // The baseline's direction; the up vector decides where a glyph has no width.
        let (dx, dy) = if across.hypot() > 1e-3 { (across.x, across.y) } else { (-(up.y - origin.y), up.x - origin.x) };
        let turn = if dy.abs() < 0.1 * dx.abs() {
            if dx > 0.0 { Turn::Upright } else { Turn::UpsideDown }
        } else if dx.abs() < 0.1 * dy.abs() {
            if dy < 0.0 { Turn::Up } else { Turn::Down }
        } else {
            Turn::Slanted
        };
        if self.is_again(text.first(), x, y, size) && !text.first().is_whitespace() {
            return;
        }
        let (start_x, start_y) = turn.lay(x, y);
        let (end_x, _) = turn.lay(end.x as f32, end.y as f32);
        let artifact = self.marked.iter().any(|marked| marked.artifact);
        self.glyphs.push(Glyph {
            text,
            x0: start_x.min(end_x),
            x1: start_x.max(end_x),
            baseline: start_y,
            size,
            turn,
            bold,
            mono,
            artifact,
        });
    }
}

impl Turn {
    pub(super) const ALL: [Turn; 5] = [Turn::Upright, Turn::Up, Turn::Down, Turn::UpsideDown, Turn::Slanted];

    /// Page coordinates to coordinates in which the line runs to the right.
    pub(super) fn lay(self, x: f32, y: f32) -> (f32, f32) {
        match self {
            Turn::Upright | Turn::Slanted => (x, y),
            Turn::Up => (-y, x),
            Turn::Down => (y, -x),
            Turn::UpsideDown => (-x, -y),
        }
    }

    /// The inverse of [`Self::lay`] for a rectangle `(x0, y0, x1, y1)`.
    pub(super) fn stand(self, (x0, y0, x1, y1): (f32, f32, f32, f32)) -> (f32, f32, f32, f32) {
        match self {
            Turn::Upright | Turn::Slanted => (x0, y0, x1, y1),
            Turn::Up => (y0, -x1, y1, -x0),
            Turn::Down => (-y1, x0, -y0, x1),
            Turn::UpsideDown => (-x1, -y1, -x0, -y0),
        }
    }
}

impl<'a> Device<'a> for Collector<'_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.count(1 + run.glyphs().len() as u64);
        let mut style = None;
        for glyph in run.glyphs() {
            let transform = props.transform * glyph.transform();
            let (advance, bold, mono) = match &**glyph {
                FontGlyph::Outline(outline) => {
                    let (bold, mono) = *style.get_or_insert_with(|| self.weights.style(outline));
                    (outline.advance_width(), bold, mono)
                }
                FontGlyph::Type3(glyph) => (glyph.advance_width(), false, false),
            };
            let advance = f64::from(advance.unwrap_or(500.0));
            let (origin, end) = (transform * Point::ZERO, transform * Point::new(advance, 0.0));
            let up = transform * Point::new(0.0, 1000.0);
            if let Some(marked) = self.marked.iter_mut().rev().find(|marked| marked.replaces) {
                match marked.actual.take() {
                    Some(text) => {
                        if let Some(text) = clean(&text) {
                            self.place(text, origin, end, up, bold, mono);
                        }
                    }
                    None => self.widen(origin, end),
                }
                continue;
            }
            let unicode = match glyph.as_unicode() {
                Some(BfString::Char(c)) => clean(c.encode_utf8(&mut [0; 4])),
                Some(BfString::String(text)) => clean(&text),
                None => None,
            };
            let text = match unicode {
                Some(text) => text,
                None => {
                    // A code without a character: its outline may still be a blank.
                    if matches!(mode, DrawMode::Invisible) || is_blank_glyph(glyph) {
                        continue;
                    }
                    self.unknown += 1;
                    GlyphText::Char('\u{fffd}')
                }
            };
            debug_assert!(text.len() > 0);
            self.place(text, origin, end, up, bold, mono);
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.images += 1;
        self.count(1);
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.count(1);
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.count(1);
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.count(1);
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}

    fn begin_marked_content(&mut self, tag: &[u8], properties: Option<&Dict<'_>>) {
        self.count(1);
        let actual = properties.and_then(|dict| dict.get::<object::String<'_>>(ACTUAL_TEXT));
        let actual = actual.map(|text| super::metadata::text_string(text.as_bytes()));
        self.marked.push(Marked { replaces: actual.is_some(), actual, artifact: tag == b"Artifact" });
    }

    fn end_marked_content(&mut self) {
        self.marked.pop();
    }
}

impl Collector<'_> {
    /// Lets the glyph that took a replacement text cover the glyphs that it replaces.
    fn widen(&mut self, origin: Point, end: Point) {
        if let Some(last) = self.glyphs.last_mut() {
            let (x0, y) = last.turn.lay(origin.x as f32, origin.y as f32);
            let (x1, _) = last.turn.lay(end.x as f32, end.y as f32);
            if (y - last.baseline).abs() < last.size * 0.5 && x0 > last.x0 - last.size {
                last.x1 = last.x1.max(x0.max(x1));
            }
        }
    }
}

fn is_blank_glyph(glyph: &FontGlyph<'_>) -> bool {
    match glyph {
        FontGlyph::Outline(outline) => outline.outline().elements().is_empty(),
        FontGlyph::Type3(_) => true,
    }
}

/// Spells out ligatures and drops what cannot be shown; `None` where nothing is left.
fn clean(text: &str) -> Option<GlyphText> {
    let mut chars = text.chars();
    let (first, rest) = (chars.next()?, chars.next());
    if rest.is_none() {
        let many = match first {
            '\u{fb00}' => "ff",
            '\u{fb01}' => "fi",
            '\u{fb02}' => "fl",
            '\u{fb03}' => "ffi",
            '\u{fb04}' => "ffl",
            '\u{fb05}' | '\u{fb06}' => "st",
            _ => "",
        };
        if !many.is_empty() {
            return Some(GlyphText::Many(many.into()));
        }
        return match first {
            '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\t' => Some(GlyphText::Char(' ')),
            '\u{ad}' | '\u{2010}' | '\u{2011}' => Some(GlyphText::Char('-')),
            // Symbol fonts put their bullets into the private area.
            '\u{f0b7}' | '\u{f0a7}' | '\u{f0d8}' | '\u{f076}' | '\u{f0fc}' => Some(GlyphText::Char('•')),
            '\u{f020}'..='\u{f07e}' => char::from_u32(first as u32 - 0xf000).map(GlyphText::Char),
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => Some(GlyphText::Char(' ')),
            c if c.is_control() || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffe}' | '\u{ffff}') => None,
            c => Some(GlyphText::Char(c)),
        };
    }
    let kept: String = text.chars().filter(|c| !c.is_control() && *c != '\u{ad}').collect();
    (!kept.is_empty()).then(|| GlyphText::Many(kept.into_boxed_str()))
}
