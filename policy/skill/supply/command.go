package supply

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/ioc"
)

// installer finds the package managers' commands in a shell text.
var installer = regexp.MustCompile(`(?m)(?:^|[\s;&|(` + "`" + `"'])(npm (?:install|i|add|exec)|pnpm (?:add|install|i|dlx)|yarn (?:global )?(?:add|dlx)|bun (?:add|install|x)|npx|bunx|pip3? install|python3? -m pip install|uv pip install|uv add|uv tool (?:install|run)|uvx|pipx (?:install|run))((?:[ \t]+(?:[^\s;&|)` + "`" + `#\\]+|\\\r?\n))*)`)

// commands judges what the units install.
func (s *scan) commands(u skill.Unit) {
	for _, m := range installer.FindAllStringSubmatchIndex(u.Text, 500) {
		tool, args := u.Text[m[2]:m[3]], strings.Fields(strings.ReplaceAll(u.Text[m[4]:m[5]], "\\\n", " "))
		at := u.At(m[2])
		ecosystem := "npm"
		if strings.Contains(tool, "pip") || strings.HasPrefix(tool, "uv") {
			ecosystem = "pypi"
		}
		s.arguments(u, tool, ecosystem, args, at)
	}
}

// arguments walks the arguments of one command; those of a program that npx or
// uvx starts are not packages.
func (s *scan) arguments(u skill.Unit, tool, ecosystem string, args []string, at skill.Place) {
	runs := tool == "npx" || tool == "uvx" || tool == "bunx" || strings.HasSuffix(tool, "run") || strings.HasSuffix(tool, "exec") || strings.HasSuffix(tool, "dlx") || tool == "bun x"
	for i := 0; i < len(args); i++ {
		a := strings.Trim(args[i], `"'`)
		switch {
		case a == "--index-url" || a == "-i" && ecosystem == "pypi" || a == "--extra-index-url" || a == "--registry" || a == "--trusted-host" || a == "--find-links" || a == "-f" && ecosystem == "pypi":
			if i+1 < len(args) && strings.Contains(args[i+1], ".") {
				s.index(at, a+" "+args[i+1])
			}
			i++
		case strings.HasPrefix(a, "--index-url=") || strings.HasPrefix(a, "--extra-index-url=") || strings.HasPrefix(a, "--registry="):
			if !strings.Contains(a, "npmjs.org") {
				s.index(at, a)
			}
		case a == "-r" || a == "--from" || a == "--with" || a == "-e" || a == "-t" || a == "--target" || a == "--python" || a == "-p" || a == "--package" || a == "--prefix" || a == "-C":
			if (a == "--from" || a == "--with" || a == "--package" || a == "-p" && tool == "npx") && i+1 < len(args) {
				s.pkg(u, tool, ecosystem, strings.Trim(args[i+1], `"'`), at)
			}
			i++
		case strings.HasPrefix(a, "-") || a == "." || a == "":
		default:
			s.pkg(u, tool, ecosystem, a, at)
			if runs {
				return
			}
		}
	}
}

var packageName = regexp.MustCompile(`^(@[a-z0-9~][\w.~-]*/)?[A-Za-z0-9а-я~][\w.~а-я-]*$`)

func (s *scan) pkg(u skill.Unit, tool, ecosystem, arg string, at skill.Place) {
	if strings.Contains(arg, "://") || strings.HasPrefix(arg, "git+") {
		f := s.say("CJS-SUP-003", at, "package from a URL or repository", tool+" "+arg)
		raw := strings.TrimPrefix(arg, "git+")
		if p, err := url.Parse(raw); err == nil && (p.Scheme == "http" || ioc.Classify(p.Hostname()) != ioc.None) {
			f.Severity, f.Class = skill.High, skill.Threat
		}
		return
	}
	name, version := arg, ""
	if ecosystem == "npm" {
		if i := strings.LastIndexByte(arg, '@'); i > 0 {
			name, version = arg[:i], arg[i+1:]
		}
	} else if i := strings.IndexAny(arg, "=<>~![@"); i > 0 {
		name, version = arg[:i], strings.Trim(arg[i:], "=<>~!@")
	}
	if !packageName.MatchString(name) || strings.Contains(name, "..") || strings.HasPrefix(arg, "$") {
		return
	}
	if !u.Discouraged {
		s.name(ecosystem, name, at)
		if !u.Cited && !wellKnown(ecosystem, name) && !s.local(name) && !s.vouched("", name) {
			s.unvouched(at, "a package", tool+" "+arg)
		}
	}
	if version == "" || version == "latest" {
		s.say("CJS-SUP-003", at, "package without a version: what runs tomorrow is decided tomorrow", tool+" "+arg)
	}
}

// entry judges one install entry of the front matter.
func (s *scan) entry(in skill.Install) {
	switch in.Kind {
	case "brew", "node", "npm", "go", "uv", "pip", "apt", "cargo", "":
	case "download", "url", "script", "shell":
		s.download(in)
	default:
		s.say("CJS-SUP-005", in.Place, "install entry of an unknown kind", in.Kind).Confidence = skill.ConfidenceLow
	}
	switch in.Kind {
	case "node", "npm":
		s.name("npm", in.Package, in.Place)
	case "uv", "pip":
		s.name("pypi", in.Package, in.Place)
	}
	s.unlike(in)
	if in.Extra != "" {
		s.say("CJS-SUP-005", in.Place, "install entry that runs a command", in.Extra).Severity = skill.High
	}
	if in.URL != "" && in.Kind != "download" {
		s.download(in)
	}
}

func (s *scan) download(in skill.Install) {
	u, err := url.Parse(in.URL)
	if err != nil || u.Hostname() == "" {
		return
	}
	f := s.say("CJS-SUP-005", in.Place, "install entry that downloads a program", in.URL)
	host := strings.ToLower(u.Hostname())
	trusted := host == "github.com" || strings.HasSuffix(host, ".github.com") || strings.HasSuffix(host, "githubusercontent.com") || strings.HasSuffix(host, "huggingface.co")
	switch {
	case u.Scheme != "https" || ioc.Classify(host) != ioc.None:
		f.Severity = skill.High
	case trusted:
		f.Severity, f.Confidence = skill.Medium, skill.ConfidenceLow
	case path.Ext(u.Path) == ".exe" || path.Ext(u.Path) == ".dmg" || path.Ext(u.Path) == ".pkg" || path.Ext(u.Path) == ".msi":
		f.Severity = skill.High
	}
}
