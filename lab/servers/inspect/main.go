// Command inspect shows to tests what Istio itself and Helm itself make of our objects and values.
//
//	inspect analyze < objects.yaml      what `istioctl analyze` says of a set of objects, as JSON lines
//	inspect template CHART NAME NAMESPACE < values.json   what Helm makes of a chart with our values, likewise
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/local"
	"istio.io/istio/pkg/config/resource"
	istiolog "istio.io/istio/pkg/log"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// The Kubernetes that charts are told of: the lab's.
const kubernetes = "v1.36.3"

func main() {
	// Istio's own log lines would stand between our lines.
	options := istiolog.DefaultOptions()
	options.SetDefaultOutputLevel("all", istiolog.NoneLevel)
	err := istiolog.Configure(options)
	switch {
	case err != nil:
	case len(os.Args) == 2 && os.Args[1] == "analyze":
		err = analyze(os.Stdin, os.Stdout)
	case len(os.Args) == 5 && os.Args[1] == "template":
		err = template(os.Args[2], os.Args[3], os.Args[4], os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("usage: inspect analyze | inspect template CHART NAME NAMESPACE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// analyze runs every analyzer of istioctl over the objects, Pods, Services and Secrets among them.
func analyze(objects io.Reader, out io.Writer) error {
	found := local.NewIstiodAnalyzer(analyzers.AllCombined(), resource.Namespace(""), resource.Namespace("istio-system"), nil)
	reader := []local.ReaderSource{{Name: "objects", Reader: objects}}
	// The "test" source is the one that also reads Pods, Services and Secrets from a file.
	if err := found.AddTestReaderKubeSource(reader); err != nil {
		return err
	}
	cancel := make(chan struct{})
	defer close(cancel)
	result, err := found.Analyze(cancel)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	for _, message := range result.Messages {
		if err := encoder.Encode(map[string]any{
			"code": message.Type.Code(), "level": message.Type.Level().String(), "line": message.String(),
		}); err != nil {
			return err
		}
	}
	return nil
}

// template renders a chart as `helm template` does, its values.schema.json held against the values.
func template(folder, name, namespace string, values io.Reader, out io.Writer) error {
	var given map[string]any
	if err := json.NewDecoder(values).Decode(&given); err != nil {
		return err
	}
	chart, err := loader.Load(folder)
	if err != nil {
		return err
	}
	capabilities := *common.DefaultCapabilities
	version, err := common.ParseKubeVersion(kubernetes)
	if err != nil {
		return err
	}
	capabilities.KubeVersion = *version
	release := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := commonutil.ToRenderValues(chart, given, release, &capabilities)
	if err != nil {
		return err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for file := range files {
		if strings.HasSuffix(file, ".yaml") && strings.TrimSpace(files[file]) != "" {
			names = append(names, file)
		}
	}
	sort.Strings(names)
	for _, file := range names {
		if err := printObjects(files[file], out); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// printObjects reads the documents of one rendered file as Kubernetes does, and prints each as a line of JSON.
func printObjects(text string, out io.Writer) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		object, err := yaml.YAMLToJSON(document)
		if err != nil {
			return err
		}
		if string(object) != "null" {
			fmt.Fprintf(out, "%s\n", object)
		}
	}
}
