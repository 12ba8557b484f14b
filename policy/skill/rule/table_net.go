package rule

import "clawjail/policy/skill"

func net() []Rule {
	return []Rule{
		{ID: "CJS-NET-001", Severity: skill.Info, Class: skill.Ability, Title: "each literal host/port/scheme/method -> policy"},
		{ID: "CJS-NET-002", Severity: skill.Medium, Class: skill.Threat, Title: "non-literal destination host"},
		{ID: "CJS-NET-003", Severity: skill.High, Class: skill.Threat, Title: "raw public IP, ngrok/tunnel, webhook.site/requestbin/pipedream/interactsh, paste sites, dyn-DNS, shorteners, Telegram/Discord webhook, onion, punycode"},
		{ID: "CJS-NET-004", Severity: skill.High, Class: skill.Threat, Title: "cloud metadata / link-local / RFC1918 scan"},
		{ID: "CJS-NET-005", Severity: skill.Medium, Class: skill.Ability, Title: "listens: http.createServer, express/fastify, net.createServer, Flask/FastAPI/aiohttp/http.server/socketserver, `nc -l`; H if 0.0.0.0/::"},
		{ID: "CJS-NET-006", Severity: skill.Medium, Class: skill.Vuln, Title: "TLS verification off, http:// for code or credentials"},
		{ID: "CJS-NET-007", Severity: skill.High, Class: skill.Threat, Title: "tunnelling/reverse proxy tools, ssh -R, Tor"},
		{ID: "CJS-NET-008", Severity: skill.Critical, Class: skill.Threat, Title: "IOC match (hash/host/IP list, dated, signed, updatable)"},
	}
}
