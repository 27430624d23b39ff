//! Documents that ask to be fetched from, in every way that their formats know. A reader that follows one of them is seen.

/// Name and content of each.
pub(super) const BAIT: [(&str, &str); 5] = [
    (
        "lease.txt",
        "Lease of the mill\n\nThe yearly rent is 4,200 crowns, due on the first of March.\n\nSee https://tracker.example.com/lease?id=1\n",
    ),
    (
        "notes.md",
        "# Notes\n\n![chart](https://images.example.com/chart.png)\n\nThe weir was repaired in May. [Read on](http://198.51.100.7/more)\n\n<img src=\"//cdn.example.com/pixel.gif\">\n",
    ),
    (
        "page.html",
        "<html><head><title>Tariff</title><link rel=icon href='https://icons.example.com/f.ico'><link rel=stylesheet href='https://cdn.example.com/a.css'><link rel=preload as=font href='https://fonts.example.com/f.woff2'><meta http-equiv=refresh content='0;url=https://example.com/next'><script src='https://cdn.example.com/t.js'></script></head><body><p>The tariff is 12 crowns for each sack of flour ground at the mill.</p><img src='https://images.example.com/p.png'><iframe src='https://example.com/frame'></iframe><video src='https://example.com/v.mp4'></video></body></html>",
    ),
    (
        "letter.eml",
        "From: Miller <miller@example.org>\nTo: Tenant <tenant@example.org>\nSubject: The weir\nDate: Mon, 4 May 2026 09:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<p>The weir needs 14 oak planks.</p><img src=\"https://tracker.example.com/open.gif?who=tenant\">\n",
    ),
    (
        "drawing.svg",
        "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"http://198.51.100.7/entity\">]><svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"><image xlink:href=\"https://images.example.com/i.png\"/><text>&x;</text></svg>",
    ),
];
