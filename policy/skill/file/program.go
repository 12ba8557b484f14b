package file

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"path"
	"slices"
	"strings"

	"clawjail/policy/skill"
)

// Bounds of what is read out of a program.
const (
	maxImports = 500
	maxStrings = 5000
	minString  = 8
)

// program describes a program for the person who has to decide.
func (s *scan) program() {
	facts, imports := describe(s.kind, s.f.Data)
	texts := Strings(s.f.Data)
	s.out.Texts = append(s.out.Texts, Text{strings.Join(texts, "\n"), "strings of a program"})
	if bytes.Contains(s.f.Data, []byte("UPX!")) {
		facts = append(facts, "packed with UPX")
	}
	if s.f.Mode&0o6000 != 0 {
		facts = append(facts, "setuid")
	}
	if calls := telling(imports); len(calls) > 0 {
		facts = append(facts, "imports "+strings.Join(calls, " "))
	}
	f := s.say("CJS-FILE-002", string(s.kind)+": "+strings.Join(facts, ", "), "")
	if base := path.Base(s.f.Path); strings.HasPrefix(base, ".") {
		f.Severity, f.Class = skill.Critical, skill.Threat
	}
}

// describe reads headers and imports. The parsers of debug/* may panic on
// hostile input; what they did not read is then a fact as well.
func describe(kind Kind, data []byte) (facts, imports []string) {
	defer func() {
		if p := recover(); p != nil {
			facts = append(facts, fmt.Sprintf("malformed (%v)", p))
		}
	}()
	in := bytes.NewReader(data)
	switch kind {
	case ELF:
		f, err := elf.NewFile(in)
		if err != nil {
			return []string{"malformed: " + err.Error()}, nil
		}
		facts = append(facts, f.Machine.String(), f.Type.String())
		libs, _ := f.ImportedLibraries()
		facts = append(facts, libs[:min(len(libs), 10)]...)
		symbols, _ := f.ImportedSymbols()
		for _, sym := range symbols[:min(len(symbols), maxImports)] {
			imports = append(imports, sym.Name)
		}
	case PE:
		f, err := pe.NewFile(in)
		if err != nil {
			return []string{"malformed: " + err.Error()}, nil
		}
		facts = append(facts, fmt.Sprintf("machine %#x", f.Machine))
		symbols, _ := f.ImportedSymbols()
		imports = symbols[:min(len(symbols), maxImports)]
	case MachO:
		f, err := macho.NewFile(in)
		if err != nil {
			return []string{"universal or malformed"}, nil
		}
		facts = append(facts, f.Cpu.String())
		symbols, _ := f.ImportedSymbols()
		imports = symbols[:min(len(symbols), maxImports)]
	case Wasm:
		facts = append(facts, "runs wherever its host lets it")
	case Class:
		facts = append(facts, "Java byte code")
	}
	return facts, imports
}

// telling are the imports that say what a program does.
func telling(imports []string) []string {
	var out []string
	for _, name := range imports {
		plain := strings.ToLower(strings.TrimLeft(strings.SplitN(name, "@", 2)[0], "_"))
		plain, _, _ = strings.Cut(plain, ":")
		switch plain {
		case "connect", "socket", "getaddrinfo", "gethostbyname", "send", "recv", "bind", "listen", "accept", "curl_easy_perform", "ssl_connect", "winhttpopen", "internetopena", "internetopenw", "urldownloadtofilea", "urldownloadtofilew",
			"execve", "execvp", "execl", "system", "popen", "fork", "posix_spawn", "createprocessa", "createprocessw", "winexec", "shellexecutea", "shellexecutew",
			"ptrace", "dlopen", "mprotect", "virtualalloc", "writeprocessmemory", "createremotethread", "getasynckeystate", "setwindowshookexa", "setuid", "setgid", "unlink", "getpwuid", "cryptunprotectdata":
			if !slices.Contains(out, plain) {
				out = append(out, plain)
			}
		}
	}
	return out[:min(len(out), 20)]
}

// Strings are the runs of printable ASCII in data, and those of UTF-16 that are
// ASCII.
func Strings(data []byte) []string {
	var out []string
	for _, step := range []int{1, 2} {
		start := -1
		for i := 0; i+step <= len(data); i += step {
			ok := data[i] >= 0x20 && data[i] < 0x7f && (step == 1 || data[i+1] == 0)
			if ok && start < 0 {
				start = i
			}
			if (!ok || i+2*step > len(data)) && start >= 0 {
				if n := (i - start) / step; n >= minString && n <= 4096 {
					out = append(out, strings.ReplaceAll(string(data[start:i]), "\x00", ""))
				}
				start = -1
			}
			if len(out) >= maxStrings {
				return out
			}
		}
	}
	return out
}

// pyc judges compiled Python: with its source beside it, of the size that the
// header names, it is waste; else it is a program that nobody can read.
func (s *scan) pyc() {
	s.out.Texts = append(s.out.Texts, Text{strings.Join(Strings(s.f.Data), "\n"), "strings of compiled Python"})
	dir, base := path.Split(s.f.Path)
	stem, _, _ := strings.Cut(base, ".")
	source := path.Join(path.Dir(strings.TrimSuffix(dir, "/")), stem+".py")
	if !strings.HasSuffix(dir, "__pycache__/") {
		source = path.Join(dir, stem+".py")
	}
	if f := s.t.File(source); f != nil && len(s.f.Data) >= 16 {
		size := int64(s.f.Data[12]) | int64(s.f.Data[13])<<8 | int64(s.f.Data[14])<<16 | int64(s.f.Data[15])<<24
		if s.f.Data[4]&1 == 0 && size == f.Size {
			s.say("CJS-FILE-007", "compiled Python beside its source: leave it out", "").Confidence = skill.ConfidenceLow
			return
		}
		s.say("CJS-FILE-007", "compiled Python that was not made from the source beside it", source)
		return
	}
	s.say("CJS-FILE-007", "compiled Python without its source", "")
}
