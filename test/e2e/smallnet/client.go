package smallnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"clawjail/test/e2e/mockmodel"
)

// SetScript gives the model the script for key "sk-NAME" or "sk-ant-NAME".
func (World) SetScript(name string, s mockmodel.Script) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPut, ControlURL+"/script/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("set script %q: %s: %s", name, resp.Status, text)
	}
	return nil
}

// ModelLog is what was asked of the model under one script's name.
func (World) ModelLog(name string) (out []mockmodel.Entry, err error) {
	return out, get("/model/"+name, &out)
}

// Events is everything that has reached the internet so far.
func (World) Events() (out []Event, err error) {
	return out, get("/events", &out)
}

func get(path string, v any) error {
	resp, err := http.Get(ControlURL + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(v)
}
