//! PDF pages drawn by hayro.

use super::open;
use crate::ReadError;
use crate::read::guarded;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::hayro_syntax::Pdf;
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use serde::{Deserialize, Serialize};

/// Pixels one picture may have.
const MAX_PIXELS: f32 = 40_000_000.0;
/// Sides longer than this are not drawn.
const MAX_SIDE: f32 = 16_000.0;

/// A page as a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// The picture.
    pub png: Vec<u8>,
}

/// An open file whose pages are drawn one after the other.
pub(crate) struct Drawer(Pdf);

impl Drawer {
    pub(crate) fn open(bytes: &[u8], password: Option<&str>) -> Result<Self, ReadError> {
        super::bomb::check(bytes, crate::ReadOptions::default().max_output_bytes)?;
        guarded(|| Ok(Self(open(bytes, password)?)))
    }

    /// Draws page `page` (from 0) on white, `scale` pixels to the point where that is not too large, and says how many
    /// pixels a point became.
    pub(crate) fn draw(&self, page: u32, scale: impl Fn(f32) -> f32) -> Result<(Pixmap, f32), ReadError> {
        guarded(|| {
            let missing = || ReadError::damaged(format!("it has no page {}", page.saturating_add(1)));
            let page = self.0.pages().get(page as usize).ok_or_else(missing)?;
            let (width_pt, height_pt) = page.render_dimensions();
            let wanted = scale(width_pt).min(MAX_SIDE / width_pt.max(height_pt).max(1.0));
            let most = (MAX_PIXELS / (width_pt * height_pt).max(1.0)).sqrt();
            let scale = wanted.min(most);
            // Half a pixel more keeps rounding down from losing the last column.
            let exact = |side: f32| (side * scale + 0.01) / side.max(1.0);
            let settings = PixmapSettings { x_scale: exact(width_pt), y_scale: exact(height_pt), bg_color: WHITE };
            let interpreter = InterpreterSettings::default();
            let picture = hayro::render(page, &RenderCache::new(), &interpreter, &RenderSettings::default(), &settings);
            if picture.width() == 0 || picture.height() == 0 {
                return Err(ReadError::damaged("the page has no size"));
            }
            Ok((picture, scale))
        })
    }
}

/// Draws page `page` (from 0) of a PDF about `width_px` wide on white; a very tall page comes out smaller.
///
/// Fails as [`crate::read`] does, and with `Damaged` where there is no such page.
pub(crate) fn render(bytes: &[u8], password: Option<&str>, page: u32, width_px: u32) -> Result<Rendered, ReadError> {
    let (picture, _) =
        Drawer::open(bytes, password)?.draw(page, |width_pt| width_px.max(1) as f32 / width_pt.max(1.0))?;
    let (width_px, height_px) = (u32::from(picture.width()), u32::from(picture.height()));
    let png = picture.into_png().map_err(|_| ReadError::damaged("the page could not be drawn"))?;
    Ok(Rendered { width_px, height_px, png })
}
