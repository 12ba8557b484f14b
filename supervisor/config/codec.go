package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxEncoded bounds the JSON form.
const MaxEncoded = 64 << 10

// errForm is what Decode says about everything that Encode did not write.
var errForm = errors.New("not in the form that `clawjail config compile` prints: use the clawjail and clawjaild of one version")

// Encode writes the one JSON form of a configuration: every field, in order.
func Encode(c Config) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// Decode reads what Encode wrote, with or without white space around it, and
// validates it. Anything else, such as an unknown, a missing or a doubled key,
// is an error.
func Decode(b []byte) (Config, error) {
	if len(b) > MaxEncoded {
		return Config{}, fmt.Errorf("decode the configuration: %d bytes, at most %d", len(b), MaxEncoded)
	}
	b = bytes.TrimSpace(b)
	var c Config
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("decode the configuration: %w: %w", errForm, err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("decode the configuration: %w", err)
	}
	again, err := Encode(c)
	if err != nil {
		return Config{}, err
	}
	if !bytes.Equal(again, b) {
		return Config{}, fmt.Errorf("decode the configuration: %w", errForm)
	}
	return c, nil
}
