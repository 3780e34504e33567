// Owns the build of ../static/pages/editor.js and its notice: one lock file, the same bytes.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const STATIC = "../static/pages";
const banner = `/*! The code editor of Hintline, built from web/pages/editor by: npm ci && npm run build.
 * Contains CodeMirror 6, Lezer and others under the MIT licence: see editor.NOTICE.txt. */`;

const { metafile } = await build({
  entryPoints: ["editor.js"],
  outfile: `${STATIC}/editor.js`,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  banner: { js: banner },
});

const notices = new Set(
  Object.keys(metafile.inputs).flatMap(
    (path) => path.match(/^node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? [],
  ),
);
writeFileSync(`${STATIC}/editor.NOTICE.txt`, [...notices].sort().map(notice).join("\n"));

function notice(folder) {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  return `${name} ${version}\n\n${readFileSync(`${folder}/${licence}`, "utf8").trim()}\n\n`;
}
