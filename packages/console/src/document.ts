// The one HTML document of the console. It names no other host and holds no script or style of its own: the policy that it is
// sent with allows neither.

export function page({ script, style, icon }: { script: string; style: string; icon: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>OpenCPNS</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="The operator's console of a CPNS Server">
<link rel="icon" href="${icon}" type="image/svg+xml">
<link rel="stylesheet" href="${style}">
<script type="module" src="${script}"></script>
</head>
<body>
<div id="root"></div>
<noscript><p>The console of OpenCPNS needs JavaScript. Without it, use the command line: opencpns admin --help</p></noscript>
</body>
</html>
`
}
