aws iam list-attached-role-policies --role-name AdministratorAccess
kubectl run x --image=alpine --overrides='{"spec": {"nodeSelector": {"disk": "ssd"}}}'
