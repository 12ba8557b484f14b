package manifest

import "go.yaml.in/yaml/v3"

// Data is what a file of data in YAML says, for those who look for commands in
// it. The caller bounds the text; the parser bounds what aliases make of it.
func Data(text string) (any, error) {
	var out any
	err := yaml.Unmarshal([]byte(text), &out)
	return out, err
}
