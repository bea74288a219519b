// Adds bytecode of some modules to a wheel, made by the Python of a page: `node compile.mjs PYODIDE WHEEL OUTPUT FILE…`.

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, wheel, output] = process.argv.slice(2, 5).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.mjs")).href);
const python = await loadPyodide({ indexURL: `${pyodide}/` });
python.FS.writeFile("/given.whl", new Uint8Array(readFileSync(wheel)));
python.globals.set("names", process.argv.slice(5));
python.runPython(`
import py_compile, zipfile
from pathlib import Path

with zipfile.ZipFile("/given.whl") as given:
    given.extractall("/files")
for name in names:
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(f"/files/{name}", dfile=name, doraise=True, invalidation_mode=unchecked)
with zipfile.ZipFile("/compiled.whl", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
    for path in sorted(Path("/files").rglob("*")):
        if path.is_file():
            entry = zipfile.ZipInfo(path.relative_to("/files").as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, path.read_bytes())
`);
writeFileSync(output, python.FS.readFile("/compiled.whl"));
