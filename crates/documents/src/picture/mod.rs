//! Pictures as files: PNG, JPEG, GIF, TIFF, WebP, BMP. A picture is a document of one page (TIFF: of its pages) whose
//! words stand in its pixels; reading says what there is, and pixels are decoded only to be drawn or recognized.

mod tags;

use crate::read::{Progress, guarded, step};
use crate::{ReadError, ReadOptions, Rendered};
use hearth_domain::{Document, Kind, Page, Place, Words};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, imageops};
use std::io::Cursor;
use tags::Tags;

/// The longest side that is decoded, pixels.
const MAX_SIDE_PX: u32 = 30_000;
/// Pixels that one picture may have.
const MAX_PIXELS: u64 = 120_000_000;
/// Bytes that decoding one picture may take.
const MAX_DECODED_BYTES: u64 = 768 << 20;
/// A4's width in points: how wide a picture that states no dots is taken to be, at most.
const PAPER_WIDTH_PT: f32 = 595.0;
/// Stated dots below this are a screen's, and say nothing of paper.
const LEAST_DOTS: f32 = 100.0;

/// What kind of picture these bytes are.
pub(crate) fn format(bytes: &[u8]) -> Option<ImageFormat> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    Some(match () {
        _ if starts(b"\x89PNG") => ImageFormat::Png,
        _ if starts(b"\xff\xd8\xff") => ImageFormat::Jpeg,
        _ if starts(b"GIF8") => ImageFormat::Gif,
        _ if starts(b"II*\0") || starts(b"MM\0*") => ImageFormat::Tiff,
        _ if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => ImageFormat::WebP,
        _ if starts(b"BM") && bytes.get(6..10) == Some(&[0; 4]) => ImageFormat::Bmp,
        _ => return None,
    })
}

/// Says what pages there are, how large and from when. Their words are for [`crate::recognized`].
pub(crate) fn read(bytes: &[u8], _: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let format = format(bytes).ok_or_else(|| ReadError::unsupported("This kind of picture"))?;
    let tables = if format == ImageFormat::Tiff {
        Tags::of(bytes).map(|tags| tags.pages()).unwrap_or_default()
    } else {
        Vec::new()
    };
    let count = tables.len().max(1);
    let mut created = Tags::of(bytes).and_then(|tags| tags.date());
    let mut pages = Vec::with_capacity(count);
    for index in 0..count {
        step(progress, index as u32, count as u32)?;
        let one = page_bytes(bytes, &tables, index);
        let mut decoder = decoder(&one, format)?;
        let (mut width, mut height) = decoder.dimensions();
        let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        if is_sideways(turned) {
            (width, height) = (height, width);
        }
        if let Ok(Some(exif)) = decoder.exif_metadata() {
            created = created
                .or_else(|| Tags::of(exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif)).and_then(|tags| tags.date()));
        }
        let dots = dots(bytes, tables.get(index).copied(), width);
        let points = |pixels: u32| pixels as f32 * 72.0 / dots;
        pages.push(Page {
            place: if count == 1 { Place::Whole } else { Place::Page { number: index as u32 + 1, label: None } },
            text: String::new(),
            blocks: Vec::new(),
            boxes: Vec::new(),
            size_pt: Some((points(width), points(height))),
            words: Words::Unread,
        });
    }
    Ok(Document {
        kind: Kind::Picture,
        title: None,
        author: None,
        created,
        language: None,
        pages,
        outline: Vec::new(),
        warnings: Vec::new(),
        attachments: Vec::new(),
    })
}

/// Dots to the inch: as stated where that speaks of paper, else so that the picture is as wide as paper at most.
fn dots(bytes: &[u8], table: Option<u32>, width: u32) -> f32 {
    let stated = match Tags::of(bytes) {
        Some(tags) => tags.dots(table.unwrap_or(0)),
        None => tags::stated_dots(bytes),
    };
    let stated = stated.filter(|dots| (LEAST_DOTS..=4_800.0).contains(dots));
    stated.unwrap_or_else(|| (width as f32 * 72.0 / PAPER_WIDTH_PT).max(72.0))
}

/// One page of a picture, upright.
pub(crate) fn decode(bytes: &[u8], page: u32) -> Result<DynamicImage, ReadError> {
    let format = format(bytes).ok_or_else(|| ReadError::damaged("it is no picture"))?;
    let tables = if format == ImageFormat::Tiff {
        Tags::of(bytes).map(|tags| tags.pages()).unwrap_or_default()
    } else {
        Vec::new()
    };
    if page as usize >= tables.len().max(1) {
        return Err(ReadError::damaged(format!("it has no page {}", page.saturating_add(1))));
    }
    let one = page_bytes(bytes, &tables, page as usize);
    let mut decoder = decoder(&one, format)?;
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    picture.apply_orientation(turned);
    Ok(picture)
}

/// A page as grey on white.
pub(crate) fn grey(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    // What shows through is white paper.
    let mut flat = picture.into_luma_alpha8();
    for pixel in flat.pixels_mut() {
        let [light, cover] = pixel.0.map(u32::from);
        pixel.0[0] = ((light * cover + 255 * (255 - cover)) / 255) as u8;
    }
    DynamicImage::ImageLumaA8(flat).into_luma8()
}

/// Draws one page about `width_px` wide as PNG, never larger than it is.
pub(crate) fn render(bytes: &[u8], page: u32, width_px: u32) -> Result<Rendered, ReadError> {
    guarded(|| {
        let picture = decode(bytes, page)?;
        let (width, height) = (picture.width(), picture.height());
        let picture = if width_px < width {
            let height_px = (u64::from(height) * u64::from(width_px.max(1)) / u64::from(width.max(1))).max(1) as u32;
            picture.resize_exact(width_px.max(1), height_px, imageops::FilterType::Triangle)
        } else {
            picture
        };
        let picture = match picture.color().has_color() {
            true => DynamicImage::ImageRgba8(picture.into_rgba8()),
            false => DynamicImage::ImageLuma8(grey(picture)),
        };
        let mut png = Vec::new();
        picture
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .map_err(|_| ReadError::damaged("the picture could not be drawn"))?;
        Ok(Rendered { width_px: picture.width(), height_px: picture.height(), png })
    })
}

/// The file as one whose first page is the one wanted.
fn page_bytes<'a>(bytes: &'a [u8], tables: &[u32], index: usize) -> std::borrow::Cow<'a, [u8]> {
    match tables.get(index) {
        Some(table) if index > 0 => Tags::begun_at(bytes, *table).into(),
        _ => bytes.into(),
    }
}

/// A decoder that has looked at the head and agreed to the size.
fn decoder(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder + '_, ReadError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ReadError::damaged("the picture has no size"));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(large());
    }
    decoder.set_limits(limits).map_err(|error| damaged(&error))?;
    Ok(decoder)
}

fn large() -> ReadError {
    ReadError::Bomb { why: "its picture has more pixels than one may have here".to_owned() }
}

fn damaged(error: &image::ImageError) -> ReadError {
    match error {
        image::ImageError::Limits(_) => large(),
        image::ImageError::Unsupported(_) => ReadError::unsupported("A picture written in this way"),
        _ => ReadError::damaged("its picture cannot be decoded"),
    }
}

fn is_sideways(turned: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(turned, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}
