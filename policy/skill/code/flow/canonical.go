package flow

import (
	"strings"

	"clawjail/policy/skill"
)

// aliases are prefixes of names that mean the same as others.
var pythonAliases = map[string]string{
	"builtins": "", "__builtins__": "", "__builtin__": "",
	"requests.Session()": "requests", "requests.session()": "requests", "requests.sessions.Session()": "requests", "requests.api": "requests",
	"httpx.Client()": "httpx", "httpx.AsyncClient()": "httpx", "aiohttp.ClientSession()": "aiohttp", "cloudscraper.create_scraper()": "requests", "curl_cffi.requests": "requests", "requests_html.HTMLSession()": "requests",
	"urllib3.PoolManager()": "urllib3", "urllib3.ProxyManager()": "urllib3", "urllib2": "urllib.request", "urllib.urlopen": "urllib.request.urlopen", "urllib.urlretrieve": "urllib.request.urlretrieve",
	"http.client.HTTPSConnection()": "http.client.conn", "http.client.HTTPConnection()": "http.client.conn", "httplib.HTTPSConnection()": "http.client.conn", "httplib.HTTPConnection()": "http.client.conn",
	"socket.socket()": "socket.sock", "socket.create_connection()": "socket.sock", "ssl.wrap_socket()": "socket.sock", "ssl.create_default_context().wrap_socket()": "socket.sock", "ssl.SSLContext().wrap_socket()": "socket.sock",
	"smtplib.SMTP()": "smtplib.conn", "smtplib.SMTP_SSL()": "smtplib.conn", "ftplib.FTP()": "ftplib.conn", "ftplib.FTP_TLS()": "ftplib.conn", "paramiko.SSHClient()": "paramiko.conn", "paramiko.Transport()": "paramiko.conn",
	"websocket.create_connection()": "websocket.conn", "websocket.WebSocket()": "websocket.conn", "websockets.connect()": "websocket.conn", "telnetlib.Telnet()": "socket.sock", "paho.mqtt.client.Client()": "mqtt.conn", "pymongo.MongoClient()": "pymongo.conn",
	"asyncio.subprocess": "subprocess", "anyio.run_process": "subprocess.run", "sh": "sh", "posix": "os", "nt": "os", "_posixsubprocess": "subprocess", "commands": "subprocess", "cPickle": "pickle", "_pickle": "pickle", "dill": "pickle", "cloudpickle": "pickle", "joblib": "pickle", "simplejson": "json", "ujson": "json", "orjson": "json", "ruamel.yaml": "yaml",
	"pathlib.Path": "Path", "pathlib.PosixPath": "Path", "pathlib.PurePath": "Path", "imp": "importlib", "importlib.util": "importlib", "six.moves.urllib": "urllib", "pycurl.Curl()": "pycurl.conn", "subprocess.Popen()": "subprocess.proc", "os.path.expanduser": "expanduser", "os.path.expandvars": "expanduser", "posixpath": "os.path", "ntpath": "os.path", "io.open": "open", "codecs.open": "open", "gzip.open": "open", "bz2.open": "open", "aiofiles.open": "open", "dotenv.main": "dotenv",
	"zipfile.ZipFile()": "zipfile.file", "tarfile.open()": "zipfile.file", "tarfile.TarFile()": "zipfile.file", "multiprocessing.Process": "threading.Thread", "threading.Timer": "threading.Thread", "boto3.session": "boto3",
}

var scriptAliases = map[string]string{
	"globalThis": "", "window": "", "global": "", "self": "", "root": "",
	"node-fetch": "fetch", "undici.fetch": "fetch", "cross-fetch": "fetch", "isomorphic-fetch": "fetch", "node-fetch.default": "fetch", "undici.request": "fetch", "ofetch": "fetch", "ofetch.$fetch": "fetch", "bent": "fetch", "needle": "axios", "superagent": "axios", "request": "axios", "request-promise": "axios", "ky": "axios", "got.default": "axios", "got": "axios", "phin": "axios", "wretch": "axios",
	"axios.default": "axios", "axios.create()": "axios", "got.extend()": "axios", "ky.create()": "axios", "axios.Axios()": "axios",
	"fs-extra": "fs", "graceful-fs": "fs", "fs.promises": "fs", "fs/promises": "fs", "original-fs": "fs", "memfs": "memfs",
	"https.request()": "http.req", "http.request()": "http.req", "https.get()": "http.req", "http.get()": "http.req", "follow-redirects.https": "https", "follow-redirects.http": "http", "http2.connect()": "http2.conn",
	"net.connect()": "net.sock", "net.createConnection()": "net.sock", "net.Socket()": "net.sock", "tls.connect()": "net.sock", "dgram.createSocket()": "dgram.sock", "ws()": "ws.conn", "WebSocket()": "ws.conn", "ws.WebSocket()": "ws.conn", "ws.default()": "ws.conn", "socket.io-client()": "ws.conn", "socket.io-client.io()": "ws.conn",
	"execa": "execa", "execa.execa": "execa", "execa.default": "execa", "execa.$": "zx", "zx.$": "zx", "$": "zx", "Bun.$": "zx", "cross-spawn": "child_process.spawn", "cross-spawn.spawn": "child_process.spawn", "cross-spawn.sync": "child_process.spawnSync", "shelljs.exec": "child_process.exec", "Bun.spawn": "bun.spawn", "Bun.spawnSync": "bun.spawn",
	"XMLHttpRequest()": "xhr", "promises.dns": "dns", "dns.promises": "dns", "module.createRequire()": "require", "createRequire()": "require", "process.mainModule.require": "require", "module.require": "require", "module.constructor._load": "require", "require.main.require": "require", "process": "process", "Function.prototype.constructor": "Function", "clipboardy.default": "clipboardy", "child_process.default": "child_process", "fs.default": "fs", "os.default": "os", "path.default": "path", "path.posix": "path", "path.win32": "path", "Reflect.construct": "Reflect.construct", "buffer.Buffer": "Buffer", "util.default": "util", "crypto.default": "crypto", "process.default": "process",
}

// canonical is the name that the models use. The longest prefix with an alias
// is replaced, until there is none.
func canonical(lang skill.Lang, name string) string {
	aliases := scriptAliases
	if lang == skill.Python {
		aliases = pythonAliases
	}
	for range 4 {
		next := name
		for end := len(name); end > 0; end = strings.LastIndexByte(name[:end], '.') {
			to, ok := aliases[name[:end]]
			if ok && to != name[:end] {
				next = strings.TrimPrefix(to+name[end:], ".")
				break
			}
		}
		if next == name || next == "" {
			break
		}
		name = next
	}
	if len(name) > 200 { // endless chains of unknown calls
		name = "?" + name[len(name)-100:]
	}
	if strings.HasSuffix(name, ".constructor.constructor") || strings.HasPrefix(name, "func.constructor") || strings.HasSuffix(name, ".constructor") && (strings.HasPrefix(name, "list.") || strings.HasPrefix(name, "str.")) && strings.Count(name, ".") > 1 {
		return "Function"
	}
	return name
}

// constant is the value of a library's constant that is a path or alike.
func constant(name string) *value {
	switch name {
	case "os.sep", "path.sep":
		return str("/")
	case "os.linesep", "os.EOL":
		return str("\n")
	case "string.ascii_lowercase":
		return str("abcdefghijklmnopqrstuvwxyz")
	case "string.ascii_letters":
		return str("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	case "string.ascii_uppercase":
		return str("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	case "string.digits":
		return str("0123456789")
	case "sys.executable", "process.execPath", "process.argv0":
		return str(map[bool]string{true: "python3", false: "node"}[name == "sys.executable"])
	case "import.meta.url", "import.meta.dirname", "import.meta.filename", "import.meta.dir":
		return str("./")
	}
	return nil
}
