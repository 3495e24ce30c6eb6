// Command dashboards says whether a JSON document is a dashboard by Grafana's own schema.
//
// It reads one from standard input and prints a line for each thing that the schema does not allow: a field that it
// does not know, a wrong type, a missing field, a broken constraint. The options of the panels and the queries are read
// as strictly, so it refuses a kind of panel that is not registered here. It ends with 1 when there is something to say.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Not the SDK's default plugins: they would make the build ten times as long.
var panels = []variants.PanelcfgConfig{
	stat.VariantConfig(), statetimeline.VariantConfig(), timeseries.VariantConfig(),
}

func main() {
	raw, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = check(raw)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check(raw []byte) error {
	known := map[string]bool{"row": true}
	for _, panel := range panels {
		cog.NewRuntime().RegisterPanelcfgVariant(panel)
		known[panel.Identifier] = true
	}
	cog.NewRuntime().RegisterDataqueryVariant(prometheus.VariantConfig())
	if err := found(dashboard.NewDashboard().UnmarshalJSONStrict(raw)); err != nil {
		return err
	}
	// Once more: what was read strictly has no panels, as the SDK takes its own empty list of errors for an error.
	read := dashboard.NewDashboard()
	if err := errors.Join(json.Unmarshal(raw, read), onlyKnown(raw, known)); err != nil {
		return err
	}
	return found(read.Validate())
}

// onlyKnown refuses what the SDK would let through unread.
func onlyKnown(raw []byte, known map[string]bool) error {
	var board struct {
		Panels []struct {
			Type    string
			Targets []struct{ Datasource struct{ Type string } }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		return err
	}
	for i, panel := range board.Panels {
		if !known[panel.Type] {
			return fmt.Errorf("panels[%d].type: '%s' is not a kind of panel that is checked", i, panel.Type)
		}
		for j, target := range panel.Targets {
			if target.Datasource.Type != "prometheus" {
				return fmt.Errorf("panels[%d].targets[%d].datasource: is not one that is checked", i, j)
			}
		}
	}
	return nil
}

// found is the error, or nil for the SDK's empty list of errors.
func found(err error) error {
	var list cog.BuildErrors
	if errors.As(err, &list) && len(list) == 0 {
		return nil
	}
	return err
}
