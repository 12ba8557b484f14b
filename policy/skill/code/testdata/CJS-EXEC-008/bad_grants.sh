aws iam attach-role-policy --role-name reader --policy-arn arn:aws:iam::aws:policy/AdministratorAccess
kubectl run x --image=alpine --overrides='{"spec": {"hostPID": true, "containers": [{"securityContext": {"privileged": true}}]}}'
