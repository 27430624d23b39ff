"""A small window to drag files from: a true drag of the desktop's own protocol, for the window's tests.

Usage: drag_source.py PATH...   Prints `ready` when it can be taken hold of; lies at the top left corner, 48 by 48.
"""

import sys
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def main() -> None:
    uris = [Path(name).absolute().as_uri() for name in sys.argv[1:]]
    window = Gtk.Window(type=Gtk.WindowType.POPUP)
    window.set_default_size(48, 48)
    window.move(0, 0)
    handle = Gtk.EventBox()
    handle.add(Gtk.Label(label="drag"))
    handle.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
    handle.drag_source_add_uri_targets()
    handle.connect("drag-data-get", lambda _w, _c, data, _i, _t: data.set_uris(uris))
    handle.connect("drag-end", lambda _w, _c: GLib.timeout_add(500, Gtk.main_quit))
    window.add(handle)
    window.show_all()
    window.get_window().raise_()
    GLib.idle_add(lambda: print("ready", flush=True))
    Gtk.main()


main()
