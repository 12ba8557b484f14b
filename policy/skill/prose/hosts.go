package prose

import (
	"strings"
	"sync"
)

// vendors are hosts of services, documentation and standards that skills of all
// kinds name. Only what their owner publishes is there, or what the owner runs
// for everybody; hosts on which anybody can publish are in published.
const vendors = `
acm.org airtable.com aliyun.com aliyuncs.com android.com angular.dev apify.com archive.org arxiv.org asana.com auth0.com azure.com
baidu.com base.org binance.com bing.com bitbucket.org blender.org box.com brave.com canva.com chrome.com chromestatus.com clerk.com
cocoapods.org cohere.com coinbase.com coingecko.com conventionalcommits.org crossref.org ctan.org cypress.io d3js.org dart.dev databricks.com
datadoghq.com deepseek.com digitalocean.com doi.org dotnet.microsoft.com dropbox.com duckduckgo.com dingtalk.com ecma-international.org elastic.co
electronjs.org elixir-lang.org eslint.org etherscan.io ethereum.org europa.eu exa.ai expo.dev facebook.com fal.ai fastapi.tiangolo.com feishu.cn
firebase.com firebaseio.com firecrawl.dev flutter.dev gcr.io ghcr.io gimp.org gitee.com grafana.com gradle.org groq.com gstatic.com haskell.org
here.com hex.pm highcharts.com home-assistant.io hubapi.com hubspot.com iana.org iconify.design ieee.org ietf.org inkscape.org instagram.com
intercom.com iso.org jestjs.io jsdelivr.net json.org json-schema.org jupyter.org keepachangelog.com keras.io kotlinlang.org larksuite.com laravel.com
linear.app linkedin.com linode.com live.com mailchimp.com make.com mapbox.com maven.org microsoftonline.com miro.com mistral.ai monday.com mongodb.com
moonshot.cn mysql.com n8n.io nasa.gov neon.tech nextjs.org nih.gov nist.gov notion.com npmmirror.com nuget.org numpy.org nuxt.com office.com okta.com
opencv.org opengroup.org openrouter.ai opensource.org openstreetmap.org openweathermap.org openxmlformats.org oracle.com owasp.org packagist.org
paypal.com perplexity.ai pexels.com plaid.com planetscale.com plot.ly prettier.io prometheus.io pub.dev puppeteer.dev pydata.org qq.com quay.io
railway.app react.dev reactjs.org reactnative.dev reddit.com redis.io remotion.dev render.com replicate.com rfc-editor.org salesforce.com
scala-lang.org schema.org scikit-learn.org scipy.org selenium.dev semver.org sendgrid.com sentry.io shadcn.com shields.io shopify.com shopify.dev
skills.sh agentskills.io snowflake.com solana.com spotify.com spring.io stackexchange.com stackoverflow.com svelte.dev swift.org tailwindcss.com
tauri.app tavily.com tensorflow.org todoist.com together.ai toml.io trello.com twilio.com twitter.com typescriptlang.org unity.com unpkg.com
unrealengine.com unsplash.com upstash.com vitejs.dev vite.dev vuejs.org w3.org weather.gov web.dev webkit.org webpack.js.org whatwg.org
wikimedia.org wise.com openfontlicense.org placehold.co azurecr.io ts.net cert-manager.io wttr.in wttr.is docker.io x.ai x.com yaml.org yandex.ru youtu.be youtube.com zapier.com zendesk.com zoom.us`

// published are hosts on which anybody can put anything under a name of their
// own: what lies there is no more known than any other address.
const published = `
gist.github.com gist.githubusercontent.com raw.githubusercontent.com github.io gitlab.io pages.dev workers.dev r2.dev vercel.app netlify.app web.app
firebaseapp.com herokuapp.com fly.dev onrender.com up.railway.app deno.dev glitch.me repl.co replit.app surge.sh hf.space s3.amazonaws.com
storage.googleapis.com blob.core.windows.net docs.google.com drive.google.com script.google.com forms.gle lambda-url.us-east-1.on.aws execute-api.us-east-1.amazonaws.com
cdn.discordapp.com notion.site blogspot.com wordpress.com azurewebsites.net`

// tables are the two lists, made once.
type hostTables struct{ vendor, open map[string]bool }

var hostLists = sync.OnceValue(func() hostTables {
	t := hostTables{map[string]bool{}, map[string]bool{}}
	for _, h := range strings.Fields(vendors) {
		t.vendor[h] = true
	}
	for _, h := range strings.Fields(published) {
		t.open[h] = true
	}
	return t
})

// in says that the host, or a domain that it belongs to, is in the set.
func in(set map[string]bool, host string) bool {
	for {
		if set[host] {
			return true
		}
		i := strings.IndexByte(host, '.')
		if i < 0 {
			return false
		}
		host = host[i+1:]
	}
}

// placeholders are parts of names that stand for the reader's own.
var placeholders = []string{"example", "your", "myapp", "my-app", "acme", "company", "placeholder", "xxx", "localhost", "internal", "domain.", "staging.", "site.com", "foo.", "bar.", "a@", "b.com", "host.", "provider.com", ".test", ".local", ".lan"}

// strangeName says that neither a vendor nor the reader owns the host, as far as
// anybody can tell from its name.
func strangeName(host string) bool {
	host = strings.Trim(strings.ToLower(host), ".*")
	if !strings.Contains(host, ".") {
		return false
	}
	// A name of its own under the reserved top level is written by who needs one
	// that looks like no real host; documentation uses example.com and its like.
	own := host
	if name, ok := strings.CutSuffix(host, ".example"); ok && strings.Contains(name, ".") {
		own = name
	}
	for _, p := range placeholders {
		if strings.Contains(own+".", p) {
			return false
		}
	}
	lists := hostLists()
	if in(lists.open, host) {
		return true
	}
	return !in(lists.vendor, host) && !wellKnown(host)
}
