//! Scans of our own: lines of text set in a small PDF, drawn as a scanner would see them, and put into files again.

use anyhow::{Result, anyhow};
use std::fmt::Write as _;
use std::ops::ControlFlow;

/// A page as grey pixels, 255 is white.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Row by row.
    pub grey: Vec<u8>,
}

/// What a page of a PDF shows.
#[derive(Debug, Clone)]
pub enum Shown {
    /// Lines of text in Helvetica of 14 points, from the top.
    Lines(Vec<String>),
    /// A scan over the whole page.
    Scan(Sheet),
}

/// A PDF of these pages, US letter.
pub fn pdf(pages: &[Shown]) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = Vec::new();
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 4 + n * 3)).collect();
    objects.push(b"<< /Type /Catalog /Pages 2 0 R >>".to_vec());
    objects.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()).into_bytes());
    objects.push(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec());
    for (n, page) in pages.iter().enumerate() {
        let at = 4 + n * 3;
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
                 /Resources << /Font << /F 3 0 R >> /XObject << /P {} 0 R >> >> >>",
                at + 1,
                at + 2
            )
            .into_bytes(),
        );
        let mut content = String::new();
        let mut picture = (1, 1, vec![255]);
        match page {
            Shown::Lines(lines) => {
                for (line, words) in lines.iter().enumerate() {
                    let words = words.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
                    let _ = writeln!(content, "BT /F 14 Tf 72 {} Td ({words}) Tj ET", 720 - line as i32 * 24);
                }
            }
            Shown::Scan(sheet) => {
                content.push_str("q 612 0 0 792 0 0 cm /P Do Q\n");
                picture = (sheet.width, sheet.height, sheet.grey.clone());
            }
        }
        objects.push(format!("<< /Length {} >>\nstream\n{content}endstream", content.len()).into_bytes());
        let (width, height, grey) = picture;
        let mut object = format!(
            "<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray \
             /BitsPerComponent 8 /Length {} >>\nstream\n",
            grey.len()
        )
        .into_bytes();
        object.extend(grey);
        object.extend(b"\nendstream");
        objects.push(object);
    }
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n", n + 1).as_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let end = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    out.extend(end.as_bytes());
    out
}

/// Lines of text as a scanner sees them, at 300 dots to the inch.
pub fn sheet(lines: &[&str]) -> Result<Sheet> {
    let bytes = pdf(&[Shown::Lines(lines.iter().map(|line| (*line).to_owned()).collect())]);
    let mut drawn = None;
    hearth_documents::scan(&bytes, None, &[0], &mut |page| {
        drawn = Some(Sheet { width: page.width_px, height: page.height_px, grey: page.grey });
        ControlFlow::Continue(())
    })
    .map_err(|error| anyhow!("{error}"))?;
    drawn.ok_or_else(|| anyhow!("the page was not drawn"))
}

impl Sheet {
    /// The sheet turned by half.
    pub fn upside_down(mut self) -> Sheet {
        self.grey.reverse();
        self
    }

    /// The sheet on its side: its top is at the left.
    pub fn on_its_side(&self) -> Sheet {
        let (width, height) = (self.height, self.width);
        let grey = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| self.grey.get((x * self.width + (self.width - 1 - y)) as usize).copied().unwrap_or(255))
            .collect();
        Sheet { width, height, grey }
    }

    /// As a bitmap file (BMP, 8 bits, a palette of greys).
    pub fn bitmap(&self) -> Vec<u8> {
        let row = self.width.div_ceil(4) * 4;
        let (head, size) = (54 + 1024, row * self.height);
        let mut out = b"BM".to_vec();
        for number in [head + size, 0, head, 40, self.width, self.height, 1 | 8 << 16, 0, size, 11_811, 11_811, 256, 0]
        {
            out.extend(number.to_le_bytes());
        }
        for light in 0..=255u8 {
            out.extend([light, light, light, 0]);
        }
        for line in self.grey.chunks_exact(self.width as usize).rev() {
            out.extend(line);
            out.resize(out.len() + (row - self.width) as usize, 255);
        }
        out
    }
}
