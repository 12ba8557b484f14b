package flow

import (
	"net/url"
	"path"
	"strings"

	"clawjail/policy/skill/code/decode"
)

func scriptFiles() map[string]model {
	read := func(m *machine, f *frame, c *call) *value {
		v := m.readFile(f, c.at, c.arg(0))
		m.callback(f, c.args[min(1, len(c.args)):], v)
		return v
	}
	write := func(m *machine, f *frame, c *call) *value {
		m.writeFile(f, c.at, c.arg(0), c.arg(1))
		m.callback(f, c.args[min(2, len(c.args)):], unknown())
		return unknown()
	}
	stream := func(m *machine, f *frame, c *call) *value {
		o := &value{kind: kRef, ref: "file", obj: newObject().obj}
		o.obj.set("\x00path", orUnknown(c.arg(0)))
		if strings.Contains(c.name, "Write") {
			m.writeFile(f, c.at, c.arg(0), unknown())
			return o
		}
		v := m.readFile(f, c.at, c.arg(0))
		o.obj.set("\x00data", v)
		o.marks = allMarks(v)
		return o
	}
	exists := func(m *machine, f *frame, c *call) *value {
		if v := c.arg(0); v != nil {
			m.sandboxFile(f, c.at, cleanPath(v))
		}
		m.callback(f, c.args[min(1, len(c.args)):], unknown())
		return unknown()
	}
	return merge(
		under(read, "fs.readFile", "fs.readFileSync", "Deno.readTextFile", "Deno.readFile", "Deno.readTextFileSync", "fs.readJson", "fs.readJsonSync", "fs.openSync", "fs.open"),
		under(write, "fs.writeFile", "fs.writeFileSync", "fs.appendFile", "fs.appendFileSync", "Deno.writeTextFile", "Bun.write", "fs.outputFile", "fs.outputFileSync", "fs.writeJson", "fs.writeJsonSync", "Deno.writeFile"),
		under(stream, "fs.createReadStream", "fs.createWriteStream", "Bun.file"),
		under(walks, "fs.readdir", "fs.readdirSync", "fs.opendir", "glob.sync", "globby", "fast-glob", "glob", "fast-glob.sync"),
		under(copies, "fs.copyFile", "fs.copyFileSync", "fs.rename", "fs.renameSync", "fs.cp", "fs.cpSync", "fs.copy", "fs.copySync", "fs.move", "fs.symlink", "fs.symlinkSync"),
		under(changesMode, "fs.chmod", "fs.chmodSync"),
		under(removes, "fs.rm", "fs.rmSync", "fs.unlink", "fs.unlinkSync", "fs.rmdir", "fs.rmdirSync", "fs.remove", "fs.removeSync", "rimraf", "rimraf.sync"),
		under(exists, "fs.existsSync", "fs.access", "fs.accessSync", "fs.stat", "fs.statSync", "fs.exists", "fs.pathExists"),
		under(fileRead, "file.read", "file.text", "file.json", "file.arrayBuffer", "file.toString"), under(fileWrite, "file.write", "file.end", "file.writer"),
		map[string]model{
			"path.join": pathJoin, "path.resolve": pathJoin, "path.dirname": pathDir, "path.basename": pathBase, "path.normalize": pass, "url.fileURLToPath": pass, "fileURLToPath": pass,
			"os.homedir":  func(m *machine, f *frame, c *call) *value { return str("~") },
			"os.tmpdir":   func(m *machine, f *frame, c *call) *value { return str("/tmp") },
			"process.cwd": func(m *machine, f *frame, c *call) *value { return str(".") },
			"os.userInfo": func(m *machine, f *frame, c *call) *value {
				o := newObject()
				o.obj.set("homedir", str("~"))
				o.obj.any = unknown()
				return o
			},
			"?.addLocalFolder": zipAdd, "?.addLocalFile": zipAdd,
			"?.directory": func(m *machine, f *frame, c *call) *value {
				v := m.readTree(f, c.at, c.arg(0))
				if c.recv != nil && c.recv.obj != nil {
					c.recv.obj.any = join(c.recv.obj.any, v)
				}
				return v
			},
		})
}

func scriptData() map[string]model {
	return merge(
		under(decodes("base64", false, decode.Base64), "atob", "window.atob", "js-base64.decode", "js-base64.Base64.decode"),
		under(encodes("base64"), "btoa", "js-base64.encode"),
		under(decodes("percent", false, decode.Percent), "decodeURIComponent", "decodeURI", "querystring.unescape"),
		under(decodes("percent", false, func(s string) (string, bool) { return unescapeScript(s), true }), "unescape"),
		under(decodes("gzip", true, gunzipAny), "zlib.gunzipSync", "zlib.inflateSync", "zlib.unzipSync", "zlib.inflateRawSync", "zlib.brotliDecompressSync", "pako.inflate", "pako.ungzip", "Bun.gunzipSync"),
		under(encodes("gzip"), "zlib.gzipSync", "zlib.deflateSync", "zlib.brotliCompressSync", "pako.gzip"),
		under(pass, "JSON.stringify", "JSON.parse", "String", "encodeURIComponent", "encodeURI", "Object.assign", "Object.fromEntries", "structuredClone", "URLSearchParams", "FormData", "Blob", "Promise.resolve", "Promise.all", "Promise.any", "Promise.race", "Promise.allSettled", "Array.from", "Uint8Array", "Object.freeze", "querystring.stringify", "Set", "TextEncoder().encode", "escape", "Headers", "util.inspect", "util.format", "Map", "Buffer.concat", "TextDecoder().decode", "String.raw", "qs.stringify", "yaml.stringify"),
		under(masked, "crypto.createHash", "crypto.createHmac", "Boolean", "Array.isArray", "isNaN", "crypto.createSign", "crypto.timingSafeEqual", "Number.isInteger", "jsonwebtoken.sign", "crypto.subtle.digest", "crypto.subtle.sign"),
		map[string]model{
			"String.fromCharCode": jsFromCharCode, "String.fromCodePoint": jsFromCharCode, "parseInt": jsParseInt, "Number": jsParseInt, "parseFloat": jsParseInt,
			"Buffer.from": jsBuffer, "Buffer": jsBuffer, "Array": func(m *machine, f *frame, c *call) *value {
				if len(c.args) == 1 {
					return list()
				}
				return list(c.args...)
			},
			"Object.getPrototypeOf": jsPrototype, "Reflect.getPrototypeOf": jsPrototype,
			"Object.keys": objectList, "Object.entries": objectList, "Object.values": objectList, "Object.getOwnPropertyNames": objectList,
			"URL": jsURL,
			"?.toString": func(m *machine, f *frame, c *call) *value {
				enc := strings.ToLower(pickText(c.arg(0)))
				if enc == "base64" || enc == "hex" || enc == "base64url" {
					return unknown(encode(allMarks(orUnknown(c.recv)), f.place(c.at), "encoded as "+enc)...)
				}
				if v := fileRead(m, f, c); v != nil {
					return v
				}
				return nil
			},
			"Object.assign": func(m *machine, f *frame, c *call) *value {
				if len(c.args) == 0 {
					return newObject()
				}
				d := c.args[0]
				if d.kind != kObject {
					d = newObject()
				}
				for _, a := range c.args[1:] {
					m.spreadInto(d, a)
				}
				return d
			},
		})
}

func gunzipAny(s string) (string, bool) {
	if t, ok := decode.Gunzip(s); ok {
		return t, true
	}
	return decode.Inflate(s)
}

func unescapeScript(s string) string {
	t, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return t
}

func objectList(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	if v.kind == kObject {
		name := c.name[strings.LastIndexByte(c.name, '.')+1:]
		if name == "getOwnPropertyNames" {
			name = "keys"
		}
		return m.objectMethod(f, name, v, c)
	}
	return unknown(allMarks(v)...)
}

// jsURL is an address made of a base and a relative part.
func jsURL(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	base := c.arg(1)
	if s, ok := pick(v).text(); base == nil || ok && strings.Contains(s, "://") {
		return v
	}
	if b, ok := pick(base).text(); ok {
		if s, ok := pick(v).text(); ok && !strings.Contains(b, "://") {
			return str(path.Join(b, s))
		}
		return concat(str(strings.TrimRight(b, "/")+"/"), v)
	}
	return concat(base, v)
}

func jsFromCharCode(m *machine, f *frame, c *call) *value {
	var b strings.Builder
	for _, a := range c.args {
		n, ok := pick(a).number()
		if !ok || n < 0 || n > 0x10ffff {
			return unknown(c.marks()...)
		}
		b.WriteRune(rune(int(n)))
	}
	return builtText(b.String(), c.marks())
}

func jsParseInt(m *machine, f *frame, c *call) *value {
	return pyInt(m, f, c)
}

// jsBuffer makes bytes, of text in an encoding or of numbers.
func jsBuffer(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	switch strings.ToLower(pickText(c.arg(1))) {
	case "base64", "base64url":
		return m.decodeWith(f, c.at, v, "base64", true, decode.Base64)
	case "hex":
		return m.decodeWith(f, c.at, v, "hex", true, decode.Hex)
	}
	if pick(v).kind == kList {
		return pyBytes(m, f, c)
	}
	if s, ok := pick(v).text(); ok {
		w := rawStr(s)
		w.marks, w.built = v.marks, pick(v).built
		return w
	}
	return v
}

func scriptMisc() map[string]model {
	log := func(m *machine, f *frame, c *call) *value {
		if len(c.args) == 0 {
			return unknown()
		}
		return m.printed(f, c, c.args...)
	}
	return merge(
		under(log, "console.log", "console.info", "console.error", "console.warn", "console.debug", "process.stdout.write", "console.dir"),
		under(jsThen, "?.then", "?.catch", "?.finally"),
		under(received, "net.sock.on", "ws.conn.on", "http.req.on", "net.sock.once", "ws.conn.addEventListener"),
		map[string]model{
			"process.stdin.on": func(m *machine, f *frame, c *call) *value {
				m.callback(f, c.all(), m.stdinValue(f, c.at))
				return unknown()
			},
			"minimist":                   func(m *machine, f *frame, c *call) *value { return unknown(c.marks()...) },
			"dotenv.config":              silent,
			"process.env.hasOwnProperty": silent,
			"?.prepare":                  sqlCall, "?.query": sqlCall, "?.exec": sqlCall,
			"Deno.env.get": func(m *machine, f *frame, c *call) *value { return m.envRead(f, orUnknown(c.arg(0)).shape(), c.at) },
			"Deno.env.toObject": func(m *machine, f *frame, c *call) *value {
				return unknown(&mark{source: envAll, name: "Deno.env", at: f.place(c.at)})
			},
			"os.hostname": silent,
		})
}

// jsPrototype is what a function was made by: its constructor is Function.
func jsPrototype(_ *machine, _ *frame, c *call) *value {
	if v := pick(orUnknown(c.arg(0))); v.kind == kFunc {
		return &value{kind: kRef, ref: "func"}
	}
	return nil
}
