//! Pages as text recognition wants them: grey, upright, letters of a size that it was trained on. Nothing is recognized
//! here; see [`crate::recognized`] for what comes back.

use crate::read::guarded;
use crate::{ReadError, pdf, picture};
use image::{GrayImage, imageops};
use std::ops::ControlFlow;

/// Dots to the inch that pages of a PDF are drawn with.
const DOTS: f32 = 300.0;
/// How tall capitals should be, pixels: those of ten points at 300 dots to the inch have 30.
const LETTER_PX: f32 = 26.0;
/// Letters within this factor of that are left as they are.
const NEAR_ENOUGH: f32 = 1.35;
/// Pictures are enlarged by this at most, and reduced to this at least.
const SCALES: (f32, f32) = (0.4, 3.0);
/// Pixels that one page may have.
const MAX_PIXELS: f32 = 40_000_000.0;
/// The longest side of one page, pixels.
const MAX_SIDE: f32 = 16_000.0;

/// A page for text recognition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Index of the page.
    pub page: u32,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// One byte for each pixel, row by row, 255 is white.
    pub grey: Vec<u8>,
}

/// Draws pages of a PDF or picture for text recognition, one after the other, until `each` breaks off. A page that cannot
/// be drawn is left out.
///
/// Fails as [`crate::read`] does.
pub fn scan(
    bytes: &[u8],
    password: Option<&str>,
    pages: &[u32],
    each: &mut dyn FnMut(Scan) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let drawer = match picture::format(bytes) {
        Some(_) => None,
        None => Some(pdf::Drawer::open(bytes, password)?),
    };
    for &page in pages {
        let drawn = guarded(|| {
            let grey = match &drawer {
                Some(drawer) => {
                    let (drawn, _) = drawer.draw(page, |_| DOTS / 72.0)?;
                    let (width, height) = (u32::from(drawn.width()), u32::from(drawn.height()));
                    let light = |pixel: &[u8]| match pixel {
                        [r, g, b, ..] => {
                            ((u32::from(*r) * 299 + u32::from(*g) * 587 + u32::from(*b) * 114) / 1000) as u8
                        }
                        _ => 255,
                    };
                    let grey = drawn.data_as_u8_slice().chunks_exact(4).map(light).collect();
                    GrayImage::from_raw(width, height, grey)
                        .ok_or_else(|| ReadError::damaged("the page has no size"))?
                }
                None => picture::grey(picture::decode(bytes, page)?),
            };
            let mut page = fit(grey);
            even_out(&mut page);
            Ok(page)
        });
        let Ok(grey) = drawn else { continue };
        let (width_px, height_px) = grey.dimensions();
        if each(Scan { page, width_px, height_px, grey: grey.into_raw() }).is_break() {
            return Err(ReadError::Cancelled);
        }
    }
    Ok(())
}

/// The page with letters of a good size, as far as limits allow.
fn fit(grey: GrayImage) -> GrayImage {
    let (width, height) = (grey.width() as f32, grey.height() as f32);
    let wanted = match letter_height(&grey) {
        Some(tall) => {
            let scale = LETTER_PX / tall;
            if (1.0 / NEAR_ENOUGH..NEAR_ENOUGH).contains(&scale) { 1.0 } else { scale.clamp(SCALES.0, SCALES.1) }
        }
        None => 1.0,
    };
    let scale = wanted.min((MAX_PIXELS / (width * height)).sqrt()).min(MAX_SIDE / width.max(height));
    if (scale - 1.0).abs() < 0.01 {
        return grey;
    }
    let side = |pixels: f32| (pixels * scale).round().max(1.0) as u32;
    let filter = if scale > 1.0 { imageops::FilterType::CatmullRom } else { imageops::FilterType::Triangle };
    imageops::resize(&grey, side(width), side(height), filter)
}

/// Pixels to the side of the squares whose lightest pixel is taken for paper.
const SQUARE: usize = 8;
/// Squares to each side over which paper is evened out.
const AROUND: usize = 3;
/// Paper is no darker than this: what is, is a picture.
const DARKEST_PAPER: u32 = 96;

/// Takes shadows and tints out: every pixel becomes as light as it is beside the paper around it.
fn even_out(page: &mut GrayImage) {
    let (width, height) = (page.width() as usize, page.height() as usize);
    let (across, down) = (width.div_ceil(SQUARE), height.div_ceil(SQUARE));
    let mut lightest = vec![0u32; across * down];
    for (y, row) in page.as_raw().chunks_exact(width.max(1)).enumerate() {
        for (square, pixels) in lightest.iter_mut().skip(y / SQUARE * across).zip(row.chunks(SQUARE)) {
            *square = (*square).max(pixels.iter().copied().max().map_or(0, u32::from));
        }
    }
    let paper = blurred(&lightest, across, down);
    for (y, row) in page.chunks_exact_mut(width.max(1)).enumerate() {
        let squares = paper.iter().skip(y / SQUARE * across);
        for (square, pixels) in squares.zip(row.chunks_mut(SQUARE)) {
            let white = (*square).max(DARKEST_PAPER);
            for pixel in pixels {
                *pixel = (u32::from(*pixel) * 255 / white).min(255) as u8;
            }
        }
    }
}

/// Means over a square around each value.
fn blurred(values: &[u32], across: usize, down: usize) -> Vec<u32> {
    let along = |values: &[u32], across: usize| -> Vec<u32> {
        values
            .chunks_exact(across.max(1))
            .flat_map(|row| {
                (0..row.len()).map(move |at| {
                    let near = row.get(at.saturating_sub(AROUND)..(at + AROUND + 1).min(row.len())).unwrap_or_default();
                    near.iter().sum::<u32>() / near.len().max(1) as u32
                })
            })
            .collect()
    };
    let turned = |values: &[u32], across: usize, down: usize| -> Vec<u32> {
        (0..across).flat_map(|x| (0..down).map(move |y| values.get(y * across + x).copied().unwrap_or(0))).collect()
    };
    let once = turned(&along(values, across), across, down);
    turned(&along(&once, down), down, across)
}

/// How tall the capitals of a page are: the median height of dark pieces that hang together and are shaped like letters,
/// each counted by its height squared, since specks are many and small. `None` where there are too few to tell.
fn letter_height(grey: &GrayImage) -> Option<f32> {
    let mut heights = pieces(grey, threshold(grey));
    if heights.len() < 20 {
        return None;
    }
    heights.sort_unstable();
    let weight = |height: &u32| u64::from(*height) * u64::from(*height);
    let all: u64 = heights.iter().map(weight).sum();
    let mut sum = 0;
    heights
        .iter()
        .find(|height| {
            sum += weight(height);
            sum * 2 >= all
        })
        .map(|height| *height as f32)
}

/// The lightness that tells ink from paper best (Otsu 1979).
fn threshold(grey: &GrayImage) -> u8 {
    let mut counts = [0u64; 256];
    for pixel in grey.as_raw() {
        if let Some(count) = counts.get_mut(usize::from(*pixel)) {
            *count += 1;
        }
    }
    let all: u64 = counts.iter().sum();
    let weight: f64 = counts.iter().enumerate().map(|(light, count)| light as f64 * *count as f64).sum();
    let (mut below, mut weight_below, mut best) = (0u64, 0.0, (0.0, 127u8));
    for (light, count) in counts.iter().enumerate() {
        below += count;
        weight_below += light as f64 * *count as f64;
        let above = all - below;
        if below == 0 || above == 0 {
            continue;
        }
        let apart = weight_below / below as f64 - (weight - weight_below) / above as f64;
        let between = below as f64 * above as f64 * apart * apart;
        if between > best.0 {
            best = (between, light as u8);
        }
    }
    best.1
}

/// A piece of ink while it is gathered.
#[derive(Clone, Copy)]
struct Piece {
    left: u32,
    right: u32,
    top: u32,
    bottom: u32,
}

/// Pieces that are told apart; a page of more is no page of letters.
const MAX_PIECES: usize = 400_000;

/// Heights of dark pieces that may be letters. Runs of dark pixels in a row join those that they touch in the row above.
fn pieces(grey: &GrayImage, threshold: u8) -> Vec<u32> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut parent: Vec<u32> = Vec::new();
    let mut above: Vec<(u32, u32, u32)> = Vec::new();
    for (y, row) in grey.as_raw().chunks_exact(grey.width().max(1) as usize).enumerate() {
        let mut here: Vec<(u32, u32, u32)> = Vec::new();
        let mut x = 0usize;
        let mut first_near = 0usize;
        while let Some(start) = row.get(x..).and_then(|rest| rest.iter().position(|light| *light <= threshold)) {
            let start = x + start;
            let length = row.get(start..).and_then(|rest| rest.iter().position(|light| *light > threshold));
            let end = length.map_or(row.len(), |length| start + length);
            x = end;
            let (left, right) = (start as u32, end as u32 - 1);
            let mut own: Option<u32> = None;
            while above.get(first_near).is_some_and(|(_, to, _)| *to + 1 < left) {
                first_near += 1;
            }
            for (_, _, piece) in above.iter().skip(first_near).take_while(|(from, _, _)| *from <= right + 1) {
                let root = root(&mut parent, *piece);
                own = Some(match own {
                    Some(known) if known != root => join(&mut pieces, &mut parent, known, root),
                    _ => root,
                });
            }
            let piece = own.unwrap_or_else(|| {
                let (top, bottom) = (y as u32, y as u32);
                pieces.push(Piece { left, right, top, bottom });
                parent.push(parent.len() as u32);
                parent.len() as u32 - 1
            });
            if let Some(piece) = pieces.get_mut(piece as usize) {
                piece.left = piece.left.min(left);
                piece.right = piece.right.max(right);
                piece.bottom = y as u32;
            }
            here.push((left, right, piece));
        }
        if pieces.len() > MAX_PIECES {
            return Vec::new();
        }
        above = here;
    }
    let letter = |piece: &Piece| {
        let (width, height) = (piece.right - piece.left + 1, piece.bottom - piece.top + 1);
        let tall = height >= 5 && height <= grey.height() / 6 + 8;
        (tall && width <= 4 * height && height <= 8 * width).then_some(height)
    };
    let roots = (0..pieces.len()).filter(|at| parent.get(*at) == Some(&(*at as u32)));
    roots.filter_map(|at| pieces.get(at).and_then(letter)).collect()
}

/// The piece that a piece has become part of.
fn root(parent: &mut [u32], piece: u32) -> u32 {
    let mut at = piece;
    while let Some(next) = parent.get(at as usize).copied().filter(|next| *next != at) {
        // Every step leaves the way half as long.
        let over = parent.get(next as usize).copied().unwrap_or(next);
        if let Some(place) = parent.get_mut(at as usize) {
            *place = over;
        }
        at = over;
    }
    at
}

/// Makes two pieces one.
fn join(pieces: &mut [Piece], parent: &mut [u32], one: u32, other: u32) -> u32 {
    if let Some(place) = parent.get_mut(other as usize) {
        *place = one;
    }
    if let Some(gone) = pieces.get(other as usize).copied()
        && let Some(kept) = pieces.get_mut(one as usize)
    {
        kept.left = kept.left.min(gone.left);
        kept.right = kept.right.max(gone.right);
        kept.top = kept.top.min(gone.top);
        kept.bottom = kept.bottom.max(gone.bottom);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boxes of ink, `size` tall, on light paper.
    fn sheet(size: u32) -> GrayImage {
        let mut grey = GrayImage::from_pixel(600, 400, image::Luma([230]));
        for n in 0..40 {
            let (left, top) = (20 + n % 10 * (size + 6), 20 + n / 10 * (size * 2));
            for y in top..top + size {
                for x in left..left + size / 2 {
                    // A hollow letter: two strokes and a bar, which hang together only below.
                    if x < left + 2 || x + 2 >= left + size / 2 || y + 2 >= top + size {
                        grey.put_pixel(x, y, image::Luma([30]));
                    }
                }
            }
        }
        grey
    }

    #[test]
    fn letters_are_brought_to_their_size() {
        assert_eq!(letter_height(&sheet(12)), Some(12.0));
        assert_eq!(letter_height(&sheet(20)), Some(20.0));
        assert_eq!(fit(sheet(20)).dimensions(), (600, 400), "near enough is left alone");
        let (width, _) = fit(sheet(11)).dimensions();
        assert_eq!(width, 1418);
        assert_eq!(letter_height(&GrayImage::from_pixel(300, 300, image::Luma([255]))), None);
    }

    #[test]
    fn shadows_are_taken_out() {
        let mut page = sheet(20);
        for (x, _, pixel) in page.enumerate_pixels_mut() {
            pixel.0[0] = (u32::from(pixel.0[0]) * (600 - x / 2) / 600) as u8;
        }
        even_out(&mut page);
        let paper: Vec<u8> = (0..600).step_by(50).map(|x| page.get_pixel(x, 2).0[0]).collect();
        assert!(paper.iter().all(|light| *light > 240), "{paper:?}");
        assert!(page.get_pixel(20, 25).0[0] < 60, "ink stays dark");
        even_out(&mut GrayImage::new(0, 0));
        even_out(&mut GrayImage::new(3, 11));
    }
}
